//! The queries of the checklists against a real PostgreSQL, where it is installed: its own tables are no tables like others
//! there, and its SQL is stricter than SQLite's.

use holdpoint::checks::Environment;
use holdpoint::domain::check::{Check, CheckStatus, Probe};
use sqlx::{Connection as _, Executor as _};

use super::super::shipped::shipped;
use super::servers::Postgres;
use super::{checks, variables};

/// A database in which all is well that any checklist asks for, as the applications' own migrations would make it.
const WELL: &str = r#"
    CREATE TABLE breakout_rooms (id bigint PRIMARY KEY, session_id bigint);
    CREATE TABLE breakout_room_participants (id bigint PRIMARY KEY, room_id bigint);
    CREATE TABLE breakout_room_transitions (id bigint PRIMARY KEY, room_id bigint);
    CREATE INDEX rooms_by_session ON breakout_rooms (session_id);
    CREATE INDEX participants_by_room ON breakout_room_participants (room_id);
    CREATE INDEX transitions_by_room ON breakout_room_transitions (room_id);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER rooms_touched BEFORE UPDATE ON breakout_rooms FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE TABLE sessions (id bigint PRIMARY KEY);
    CREATE TABLE profiles (id bigint PRIMARY KEY, role text NOT NULL, email text NOT NULL);
    INSERT INTO profiles SELECT n, 'patient', n || '+test@telehealth.example' FROM generate_series(1, 5) n;

    CREATE TABLE "Tenant" (id text PRIMARY KEY, slug text NOT NULL, "apiKeyPublic" text, "apiKeySecret" text);
    CREATE TABLE "User" (id bigserial PRIMARY KEY, role text NOT NULL, email text NOT NULL, "tenantId" text);
    CREATE TABLE "Package" (id bigserial PRIMARY KEY, "tenantId" text NOT NULL, active boolean NOT NULL);
    CREATE TABLE "Booking" (id bigint PRIMARY KEY, status text NOT NULL, "tenantId" text NOT NULL, date date NOT NULL);
    CREATE TABLE "Payment" (id bigserial PRIMARY KEY, "bookingId" bigint NOT NULL, status text NOT NULL,
        "processorId" text NOT NULL);
    CREATE UNIQUE INDEX booking_day ON "Booking" ("tenantId", date);
    CREATE UNIQUE INDEX payment_once ON "Payment" ("processorId");
    DO $$ BEGIN FOR n IN 1..16 LOOP EXECUTE 'CREATE INDEX more_' || n || ' ON "Booking" (status)'; END LOOP; END $$;
    INSERT INTO "Tenant" VALUES ('one', 'demo-tenant', 'pk_live_1', 'hashed'), ('two', 'b', NULL, NULL),
        ('three', 'c', NULL, NULL);
    INSERT INTO "User" (role, email, "tenantId") VALUES ('PLATFORM_ADMIN', 'root@booking.example', NULL),
        ('TENANT_ADMIN', 'demo@booking.example', 'one');
    INSERT INTO "Package" ("tenantId", active) VALUES ('one', true);
    INSERT INTO "Booking" SELECT n, 'CONFIRMED', 'one', date '2030-01-01' + n FROM generate_series(1, 100) n;
    INSERT INTO "Payment" ("bookingId", status, "processorId") VALUES (1, 'CAPTURED', 'pi_1');

    CREATE TABLE organizations (id bigint PRIMARY KEY, is_default boolean NOT NULL);
    CREATE TABLE users (id bigint PRIMARY KEY, role text NOT NULL);
    CREATE TABLE subscriptions (id bigint PRIMARY KEY, organization_id bigint NOT NULL);
    CREATE TABLE usage_limits (id bigint PRIMARY KEY, organization_id bigint NOT NULL);
    CREATE TABLE calendar_channels (id bigint PRIMARY KEY, organization_id bigint NOT NULL,
        expires_at timestamptz NOT NULL, address text NOT NULL);
    CREATE TABLE "_prisma_migrations" (id text PRIMARY KEY, finished_at timestamptz, rolled_back_at timestamptz);
    INSERT INTO organizations VALUES (1, true);
    INSERT INTO users VALUES (1, 'admin');
    INSERT INTO subscriptions VALUES (1, 1);
    INSERT INTO usage_limits VALUES (1, 1);
    INSERT INTO calendar_channels VALUES (1, 1, '9999-12-31', 'https://api.clients.example/webhooks/gcal');
    INSERT INTO "_prisma_migrations" VALUES ('first', now(), NULL);

    CREATE TABLE alembic_version (version_num text PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('4f2a');

    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('CREATE POLICY own ON %I USING (true)', name);
        END LOOP;
    END $$;
"#;

/// What makes a check fail: the checklist, the check, and a statement. Without one, the reason why none can.
const ILL: &[(&str, &str, Result<&str, &str>)] = &[
    (
        "staging-telehealth",
        "connection-string",
        Ok("DROP TABLE sessions"),
    ),
    (
        "staging-telehealth",
        "tables",
        Ok("DROP TABLE breakout_room_transitions"),
    ),
    (
        "staging-telehealth",
        "row-level-security",
        Ok("ALTER TABLE breakout_rooms DISABLE ROW LEVEL SECURITY"),
    ),
    (
        "staging-telehealth",
        "triggers",
        Ok("ALTER TABLE breakout_rooms DISABLE TRIGGER rooms_touched"),
    ),
    (
        "staging-telehealth",
        "indexes",
        Ok("DROP INDEX participants_by_room"),
    ),
    (
        "staging-telehealth",
        "patients",
        Ok("DELETE FROM profiles WHERE id = 1"),
    ),
    (
        "production-booking",
        "indexes",
        Ok("DROP INDEX more_1, more_2, more_3, rooms_by_session, participants_by_room"),
    ),
    (
        "production-booking",
        "unique-constraints",
        Ok("DROP INDEX booking_day"),
    ),
    (
        "production-booking",
        "administrator",
        Ok("DELETE FROM \"User\" WHERE role = 'PLATFORM_ADMIN'"),
    ),
    (
        "production-booking",
        "sample-packages",
        Ok("DELETE FROM \"Package\""),
    ),
    (
        "production-booking",
        "tenant",
        Ok("UPDATE \"Tenant\" SET slug = 'other' WHERE id = 'one'"),
    ),
    (
        "production-booking",
        "tenant-address",
        Ok("UPDATE \"User\" SET email = 'other@booking.example'"),
    ),
    (
        "production-booking",
        "tenant-keys",
        Ok("UPDATE \"Tenant\" SET \"apiKeySecret\" = NULL"),
    ),
    (
        "production-booking",
        "packages-active",
        Ok("UPDATE \"Package\" SET active = false"),
    ),
    (
        "production-booking",
        "paid-booking",
        Ok("UPDATE \"Payment\" SET status = 'PENDING'"),
    ),
    (
        "production-booking",
        "no-table-scans",
        Err("PostgreSQL writes its own statistics, and when it pleases"),
    ),
    (
        "production-booking",
        "tenants-3",
        Ok("DELETE FROM \"Tenant\" WHERE id = 'three'"),
    ),
    (
        "production-booking",
        "bookings-10",
        Ok("DELETE FROM \"Booking\" WHERE id > 9"),
    ),
    (
        "production-booking",
        "bookings-100",
        Ok("UPDATE \"Booking\" SET status = 'CANCELLED' WHERE id = 100"),
    ),
    (
        "production-client-platform",
        "calendar-channels",
        Ok("UPDATE calendar_channels SET expires_at = now()"),
    ),
    (
        "production-client-platform",
        "calendar-deliveries",
        Ok("UPDATE calendar_channels SET address = 'https://elsewhere.example'"),
    ),
    (
        "production-client-platform",
        "postgresql",
        Err("a server that follows another needs that other one"),
    ),
    (
        "production-client-platform",
        "migrations",
        Ok("INSERT INTO \"_prisma_migrations\" VALUES ('second', NULL, NULL)"),
    ),
    (
        "production-client-platform",
        "row-level-security",
        Ok("CREATE TABLE forgotten (id bigint)"),
    ),
    (
        "production-client-platform",
        "organization",
        Ok("INSERT INTO organizations VALUES (2, true)"),
    ),
    (
        "production-client-platform",
        "administrator",
        Ok("UPDATE users SET role = 'member'"),
    ),
    (
        "production-client-platform",
        "subscriptions",
        Ok("DELETE FROM subscriptions"),
    ),
    (
        "production-client-platform",
        "usage-limits",
        Ok("INSERT INTO organizations VALUES (2, false)"),
    ),
    (
        "staged-rollout-portal",
        "database",
        Ok("DELETE FROM alembic_version"),
    ),
];

#[tokio::test]
async fn every_query_passes_and_fails_at_a_real_postgresql_as_it_should() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = |database: &str| {
        server
            .url("s3cret-canary", "disable")
            .replace("/postgres?", &format!("/{database}?"))
    };
    let all = url("postgres");
    execute(&all, "CREATE DATABASE well").await;
    execute(&url("well"), WELL).await;
    let checks = checks(&[], Environment::default());
    let mut rows: Vec<_> = ILL.iter().collect();
    for shipped in shipped() {
        let variables = variables(&shipped.parsed.checklist, "http://127.0.0.1:9");
        for check in shipped.parsed.checklist.checks.values() {
            if !matches!(&check.probe, Probe::Database(probe) if !probe.query.starts_with("INFO")) {
                continue;
            }
            let name = format!("{} {}", shipped.name, check.id);
            let at = rows
                .iter()
                .position(|(checklist, id, _)| *checklist == shipped.name && check.id.as_str() == *id);
            let (_, _, ill) = rows.remove(at.unwrap_or_else(|| panic!("{name} has no row in the table")));
            let result = checks.run(&at_database(check, &url("well")), &variables).await;
            assert_eq!(result.status, CheckStatus::Passed, "{name}: {result:#?}");
            let Ok(statement) = ill else { continue };
            execute(&all, "DROP DATABASE IF EXISTS ill").await;
            execute(&all, "CREATE DATABASE ill TEMPLATE well").await;
            execute(&url("ill"), statement).await;
            let result = checks.run(&at_database(check, &url("ill")), &variables).await;
            assert_eq!(result.status, CheckStatus::Failed, "{name}: {result:#?}");
        }
    }
    assert!(rows.is_empty(), "rows of checks that are not there: {rows:?}");
}

async fn execute(url: &str, statements: &'static str) {
    let mut connection = sqlx::PgConnection::connect(url).await.expect("a connection");
    connection
        .execute(sqlx::raw_sql(statements))
        .await
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
    connection.close().await.expect("an end");
}

/// The check, asking this database; tried again where a busy machine may miss the time that it is held to.
fn at_database(check: &Check, url: &str) -> Check {
    let mut check = super::passing::patient(check);
    if let Probe::Database(probe) = &mut check.probe {
        url.clone_into(&mut probe.url);
    }
    check
}
