//! Who holds which sign-off role.

use jiff::Timestamp;

use super::Store;
use super::error::StoreError;
use super::rows::{Column, column_of, milliseconds, snowflake_of};
use crate::domain::ids::{DiscordRoleId, GuildId, RoleKey, UserId};
use crate::domain::sign_off::{Holder, Owners, Rank};

impl Store {
    /// Who holds which role in a Discord server; within a role by rank, then by how long they have held it.
    pub async fn owners(&self, guild: GuildId) -> Result<Owners, StoreError> {
        let guild = column_of(guild.0);
        let rows = sqlx::query!(
            "SELECT role, holder_kind, holder_id, rank FROM owners WHERE guild_id = ?
             ORDER BY role, set_at_ms, holder_kind, holder_id",
            guild
        )
        .fetch_all(self.readers())
        .await?;
        let mut owners = Owners::default();
        for row in rows {
            let key = format!("({guild}, {:?}, {})", row.role, row.holder_id);
            let column = |name| Column {
                table: "owners",
                name,
                row: &key,
            };
            let rank = rank_of(&row.rank)
                .ok_or_else(|| column("rank").corrupt(format!("cannot be {:?}", row.rank)))?;
            let holder = holder_of(&row.holder_kind, row.holder_id)
                .ok_or_else(|| column("holder_kind").corrupt(format!("cannot be {:?}", row.holder_kind)))?;
            owners
                .0
                .entry(RoleKey::new(row.role))
                .or_default()
                .push((rank, holder));
        }
        for holders in owners.0.values_mut() {
            holders.sort_by_key(|(rank, _)| *rank);
        }
        Ok(owners)
    }

    /// Gives a role to somebody, beside those who hold it. A holder has one rank in a role: another one replaces it.
    pub async fn set_owner(
        &self,
        guild: GuildId,
        role: &RoleKey,
        rank: Rank,
        holder: Holder,
        by: UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let guild = column_of(guild.0);
        let role = role.as_str().to_owned();
        let rank = rank_text(rank);
        let (kind, holder) = holder_columns(holder);
        let by = column_of(by.0);
        let now = milliseconds(now);
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query!(
                    "INSERT INTO owners (guild_id, role, holder_kind, holder_id, rank, set_by, set_at_ms)
                     VALUES (?, ?, ?, ?, ?, ?, ?)
                     ON CONFLICT (guild_id, role, holder_kind, holder_id) DO UPDATE SET
                         rank = excluded.rank, set_by = excluded.set_by, set_at_ms = excluded.set_at_ms",
                    guild,
                    role,
                    kind,
                    holder,
                    rank,
                    by,
                    now
                )
                .execute(connection)
                .await
            })
        })
        .await?;
        Ok(())
    }

    /// Takes a role from those of this rank and this holder, each of them if not named, and returns from how many.
    pub async fn clear_owner(
        &self,
        guild: GuildId,
        role: &RoleKey,
        rank: Option<Rank>,
        holder: Option<Holder>,
    ) -> Result<u64, StoreError> {
        let guild = column_of(guild.0);
        let role = role.as_str().to_owned();
        let rank = rank.map(rank_text);
        let (kind, holder) = holder.map(holder_columns).unzip();
        let done = self
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query!(
                        "DELETE FROM owners
                         WHERE guild_id = ?1 AND role = ?2 AND rank = coalesce(?3, rank)
                             AND holder_kind = coalesce(?4, holder_kind) AND holder_id = coalesce(?5, holder_id)",
                        guild,
                        role,
                        rank,
                        kind,
                        holder
                    )
                    .execute(connection)
                    .await
                })
            })
            .await?;
        Ok(done.rows_affected())
    }
}

fn rank_text(rank: Rank) -> &'static str {
    match rank {
        Rank::Owner => "owner",
        Rank::Deputy => "deputy",
        Rank::Lead => "lead",
    }
}

fn rank_of(text: &str) -> Option<Rank> {
    [Rank::Owner, Rank::Deputy, Rank::Lead]
        .into_iter()
        .find(|rank| rank_text(*rank) == text)
}

fn holder_columns(holder: Holder) -> (&'static str, i64) {
    match holder {
        Holder::Member(UserId(id)) => ("member", column_of(id)),
        Holder::DiscordRole(DiscordRoleId(id)) => ("discord_role", column_of(id)),
    }
}

fn holder_of(kind: &str, id: i64) -> Option<Holder> {
    match kind {
        "member" => Some(Holder::Member(UserId(snowflake_of(id)))),
        "discord_role" => Some(Holder::DiscordRole(DiscordRoleId(snowflake_of(id)))),
        _ => None,
    }
}
