//! Deployments held in memory, so that a command need not fold a history again, and the threads they are spoken of in.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::deployment::{Deployment, Phase};
use crate::domain::ids::{ChannelId, DeploymentId};

/// How many deployments are held; finished ones go first, then any. Each takes some 100 KB.
const HELD: usize = 256;

/// The deployments in memory. What is here was committed.
#[derive(Default)]
pub(crate) struct Residents(RwLock<HashMap<DeploymentId, Arc<Deployment>>>);

impl Residents {
    pub(crate) fn get(&self, id: DeploymentId) -> Option<Arc<Deployment>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    /// Keeps a deployment, unless a later state of it is here already; answers the later of the two.
    pub(crate) fn keep(&self, deployment: Arc<Deployment>) -> Arc<Deployment> {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(later) = held.get(&deployment.id).filter(|held| held.seq > deployment.seq) {
            return Arc::clone(later);
        }
        if held.len() >= HELD && !held.contains_key(&deployment.id) {
            let finished = held
                .values()
                .find(|held| matches!(held.phase, Phase::Finished(_)))
                .map(|held| held.id);
            if let Some(id) = finished.or_else(|| held.keys().next().copied()) {
                held.remove(&id);
            }
        }
        held.insert(deployment.id, Arc::clone(&deployment));
        deployment
    }

    /// Lets go of a deployment whose history moved on without us.
    pub(crate) fn forget(&self, id: DeploymentId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// How many threads are known at most. When there are more, all are looked up again; each takes some 50 bytes.
const THREADS: usize = 4096;

/// Whose thread a channel is, where that was looked up. A thread belongs to one deployment for ever.
#[derive(Default)]
pub(crate) struct Threads(RwLock<HashMap<ChannelId, DeploymentId>>);

impl Threads {
    pub(crate) fn get(&self, thread: ChannelId) -> Option<DeploymentId> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&thread)
            .copied()
    }

    pub(crate) fn keep(&self, thread: ChannelId, deployment: DeploymentId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= THREADS {
            known.clear();
        }
        known.insert(thread, deployment);
    }
}
