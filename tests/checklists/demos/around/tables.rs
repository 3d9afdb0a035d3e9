//! What is well in each demo beside its services, and what is not once a switch is thrown: a row for each check that needs
//! one.

/// What is done to the database when a switch is thrown: the checklist and the check, then a statement. For Redis it is what
/// is replaced in what it says of itself, and by what, with `->` between them.
pub(super) const DATABASES: &[(&str, &str, &str)] = &[
    (
        "staging-telehealth",
        "connection-string",
        "DELETE FROM pg_tables WHERE tablename = 'sessions'",
    ),
    (
        "staging-telehealth",
        "tables",
        "DELETE FROM pg_tables WHERE tablename = 'breakout_rooms'",
    ),
    (
        "staging-telehealth",
        "row-level-security",
        "UPDATE pg_tables SET rowsecurity = 0 WHERE tablename = 'breakout_rooms'",
    ),
    (
        "staging-telehealth",
        "triggers",
        "UPDATE pg_trigger SET tgenabled = 'D'",
    ),
    (
        "staging-telehealth",
        "indexes",
        "DELETE FROM pg_indexes WHERE tablename = 'breakout_rooms' AND indexname = 'second'",
    ),
    (
        "staging-telehealth",
        "patients",
        "DELETE FROM profiles WHERE email LIKE '1+%'",
    ),
    ("production-booking", "redis", "role:master->role:slave"),
    ("production-booking", "redis-eviction", "allkeys-lru->noeviction"),
    (
        "production-booking",
        "indexes",
        "DELETE FROM pg_indexes WHERE indexdef NOT LIKE 'CREATE UNIQUE%'",
    ),
    (
        "production-booking",
        "unique-constraints",
        "DELETE FROM pg_indexes WHERE indexname = 'once'",
    ),
    (
        "production-booking",
        "administrator",
        "DELETE FROM \"User\" WHERE role = 'PLATFORM_ADMIN'",
    ),
    ("production-booking", "sample-packages", "DELETE FROM \"Package\""),
    (
        "production-booking",
        "tenant",
        "INSERT INTO \"Tenant\" VALUES ('four', 'demo-tenant', NULL, NULL)",
    ),
    (
        "production-booking",
        "tenant-address",
        "UPDATE \"User\" SET email = 'other@booking.example' WHERE \"tenantId\" = 'one'",
    ),
    (
        "production-booking",
        "tenant-keys",
        "UPDATE \"Tenant\" SET \"apiKeySecret\" = NULL WHERE id = 'one'",
    ),
    (
        "production-booking",
        "packages-active",
        "UPDATE \"Package\" SET active = 0",
    ),
    (
        "production-booking",
        "paid-booking",
        "UPDATE \"Payment\" SET status = 'PENDING'",
    ),
    (
        "production-booking",
        "no-table-scans",
        "UPDATE pg_stat_user_tables SET seq_scan = 1 WHERE n_live_tup > 10000",
    ),
    (
        "production-booking",
        "tenants-3",
        "DELETE FROM \"Tenant\" WHERE id = 'three'",
    ),
    (
        "production-booking",
        "bookings-10",
        "DELETE FROM \"Booking\" WHERE id > 9",
    ),
    (
        "production-booking",
        "bookings-100",
        "DELETE FROM \"Booking\" WHERE id > 99",
    ),
    (
        "production-client-platform",
        "calendar-channels",
        "UPDATE calendar_channels SET expires_at = '1970-01-01'",
    ),
    (
        "production-client-platform",
        "calendar-deliveries",
        "UPDATE calendar_channels SET address = 'https://elsewhere.example'",
    ),
    (
        "production-client-platform",
        "postgresql",
        "UPDATE pg_settings SET setting = 'on'",
    ),
    (
        "production-client-platform",
        "migrations",
        "INSERT INTO \"_prisma_migrations\" VALUES (NULL, NULL)",
    ),
    (
        "production-client-platform",
        "row-level-security",
        "UPDATE pg_tables SET rowsecurity = 0 WHERE tablename = 'sessions'",
    ),
    ("production-client-platform", "redis", "role:master->role:slave"),
    (
        "production-client-platform",
        "redis-persistence",
        "aof_last_write_status:ok->aof_last_write_status:err",
    ),
    (
        "production-client-platform",
        "redis-memory",
        "maxmemory:268435456->maxmemory:0",
    ),
    (
        "production-client-platform",
        "organization",
        "UPDATE organizations SET is_default = 0",
    ),
    ("production-client-platform", "administrator", "DELETE FROM users"),
    (
        "production-client-platform",
        "subscriptions",
        "DELETE FROM subscriptions",
    ),
    (
        "production-client-platform",
        "usage-limits",
        "DELETE FROM usage_limits",
    ),
];

/// What DNS says: the checklist and the check, then the record. A switch takes it away.
pub(super) const RECORDS: &[(&str, &str, &str)] = &[
    ("staging-telehealth", "domain", "192.0.2.10"),
    ("production-booking", "dns-app", "cname.vercel-dns.com"),
    ("production-booking", "dns-api", "192.0.2.11"),
    (
        "production-client-platform",
        "api-domain",
        "clients-api.onrender.com",
    ),
    ("production-client-platform", "web-domain", "76.76.21.21"),
    (
        "production-client-platform",
        "search-console",
        "google-site-verification=",
    ),
];

/// Variables whose check looks at more than that they are there, and for the form of their value: the checklist and the
/// check, the variable, and the value that is ill. The others' is nothing at all.
pub(super) const VALUES: &[(&str, &str, &str, &str)] = &[
    ("production-booking", "environment", "NODE_ENV", "development"),
    (
        "production-client-platform",
        "database-pool",
        "DATABASE_URL",
        "postgresql://user:word@db.example:5432/base",
    ),
];

/// Checks that stand on the same thing as the one with the switch, or on less of it, and fail with it.
pub(super) const ALONG: &[(&str, &str, &[&str])] = &[
    ("staging-crm", "tests", &["tests-week-one"]),
    ("staging-crm", "load-50", &["api-percentile"]),
    ("staging-telehealth", "tables", &["row-level-security"]),
    ("staging-telehealth", "load-10", &["load-20"]),
    ("staging-telehealth", "load-20", &["load-10"]),
    ("production-booking", "sample-packages", &["packages-active"]),
    ("production-booking", "bookings-10", &["bookings-100"]),
    ("production-booking", "no-errors", &["p50", "p95", "p99"]),
    ("production-client-platform", "organization", &["subscriptions"]),
];
