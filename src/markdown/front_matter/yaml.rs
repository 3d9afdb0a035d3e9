//! YAML as a tree whose nodes know where they stand.
//!
//! Nodes live in one list and name each other by position, so neither building nor dropping a tree recurses, an alias
//! costs nothing, and depth and size are bounded before anything walks it.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Deepest nesting of front matter; the language itself needs seven and JSON bodies some more.
const DEPTH_LIMIT: usize = 64;

/// Most nodes, counting each as often as aliases repeat it.
const SIZE_LIMIT: usize = 100_000;

/// A 1-based line and column of the document.
pub(super) type Place = (usize, usize);

/// Position of a node in its tree.
pub(super) type NodeId = usize;

/// A YAML document.
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// The outermost node; none in an empty document.
    pub(super) root: Option<NodeId>,
}

/// A value and where it begins.
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value as it is written.
pub(super) enum Value {
    /// Text; `plain` when it has no quotes, so that it may be a number, a truth value or nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
}

/// Why there is no tree.
pub(super) struct Failure {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Tree {
    /// Reads a document whose first line is the given 1-based one.
    pub(super) fn read(text: &str, first_line: usize) -> Result<Self, Failure> {
        Composer::default().compose(text, first_line)
    }

    /// A node. Ids come from this tree alone, so a missing one cannot be; it would be nothing.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        static NOTHING: Node = Node {
            place: (1, 1),
            value: Value::Sequence(Vec::new()),
        };
        self.nodes.get(id).unwrap_or(&NOTHING)
    }
}

/// A collection that has begun.
struct Open {
    anchor: usize,
    place: Place,
    is_mapping: bool,
    children: Vec<NodeId>,
}

#[derive(Default)]
struct Composer {
    nodes: Vec<Node>,
    /// How many nodes each stands for when aliases are counted as what they repeat.
    sizes: Vec<usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    root: Option<NodeId>,
}

impl Composer {
    fn compose(mut self, text: &str, first_line: usize) -> Result<Tree, Failure> {
        let mut parser = Parser::new_from_str(text);
        let place_of = |span: &Span| (span.start.line() + first_line - 1, span.start.col() + 1);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| Failure {
                place: (error.marker().line() + first_line - 1, error.marker().col() + 1),
                message: format!(
                    "The front matter is not YAML: {}.",
                    error.info().trim_end_matches('.')
                ),
                help: None,
            })?;
            let place = place_of(&span);
            match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain && tag.is_none_or(|tag| tag.suffix != "str");
                    let value = Value::Scalar {
                        text: text.into_owned(),
                        plain,
                    };
                    self.add(Node { place, value }, 1, anchor)?;
                }
                Event::SequenceStart(anchor, _) => self.begin(anchor, place, false)?,
                Event::MappingStart(anchor, _) => self.begin(anchor, place, true)?,
                Event::SequenceEnd | Event::MappingEnd => self.end()?,
                Event::Alias(anchor) => {
                    let Some(&node) = self.anchors.get(&anchor) else {
                        return Err(Failure {
                            place,
                            message: "An alias stands inside what it repeats.".to_owned(),
                            help: Some("Write the value out.".to_owned()),
                        });
                    };
                    self.attach(node);
                }
                Event::DocumentEnd | Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            }
        }
        Ok(Tree {
            nodes: self.nodes,
            root: self.root,
        })
    }

    fn begin(&mut self, anchor: usize, place: Place, is_mapping: bool) -> Result<(), Failure> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(Failure {
                place,
                message: format!("The front matter is nested deeper than {DEPTH_LIMIT} levels."),
                help: Some("Nothing in the checklist language needs more than seven.".to_owned()),
            });
        }
        self.open.push(Open {
            anchor,
            place,
            is_mapping,
            children: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let size = open
            .children
            .iter()
            .filter_map(|child| self.sizes.get(*child))
            .fold(1_usize, |sum, size| sum.saturating_add(*size));
        let value = if open.is_mapping {
            let pairs = open.children.chunks_exact(2);
            Value::Mapping(
                pairs
                    .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)))
                    .collect(),
            )
        } else {
            Value::Sequence(open.children)
        };
        let node = Node {
            place: open.place,
            value,
        };
        self.add(node, size, open.anchor)
    }

    fn add(&mut self, node: Node, size: usize, anchor: usize) -> Result<(), Failure> {
        if size > SIZE_LIMIT || self.nodes.len() > SIZE_LIMIT {
            return Err(Failure {
                place: node.place,
                message: format!("The front matter holds more than {SIZE_LIMIT} values."),
                help: Some("Aliases count as often as they repeat what they name.".to_owned()),
            });
        }
        let id = self.nodes.len();
        self.nodes.push(node);
        self.sizes.push(size);
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.attach(id);
        Ok(())
    }

    fn attach(&mut self, id: NodeId) {
        match self.open.last_mut() {
            Some(open) => open.children.push(id),
            None => self.root = Some(id),
        }
    }
}
