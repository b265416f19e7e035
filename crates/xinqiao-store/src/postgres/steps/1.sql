-- Schema 1. Everything is in the schema xinqiao and named in full: behind a transaction pooler no setting of a
-- session lasts.

CREATE TABLE xinqiao.meta (name text PRIMARY KEY, value bytea NOT NULL);

-- A row a process, the newest of a name is the one that may act in it.
CREATE TABLE xinqiao.node (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    -- When it last showed that it lives, by the database's clock.
    alive bigint NOT NULL
);

CREATE TABLE xinqiao.data_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    appid text NOT NULL UNIQUE,
    sealed bytea NOT NULL
);

-- The log, a partition a Shanghai day. Its order is the order of commits: see append().
CREATE SEQUENCE xinqiao.event_seq;
CREATE TABLE xinqiao.event (
    seq bigint NOT NULL,
    day int NOT NULL,
    dedup bytea NOT NULL,
    appid text NOT NULL,
    kind text NOT NULL,
    received bigint NOT NULL,
    key bigint NOT NULL,
    body bytea NOT NULL,
    reading text,
    rule text,
    answer bytea,
    answered bigint,
    PRIMARY KEY (seq, day)
) PARTITION BY LIST (day);
-- What is sealed does not get smaller.
ALTER TABLE xinqiao.event ALTER body SET STORAGE EXTERNAL, ALTER answer SET STORAGE EXTERNAL;

-- The days that have a partition.
CREATE TABLE xinqiao.event_day (day int PRIMARY KEY);

CREATE TABLE xinqiao.dedup (key bytea PRIMARY KEY, day int NOT NULL, seq bigint NOT NULL);

CREATE TABLE xinqiao.delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day int NOT NULL,
    seq bigint NOT NULL,
    appid text NOT NULL,
    app text NOT NULL,
    state smallint NOT NULL,
    held int NOT NULL,
    fence bigint NOT NULL,
    attempts int NOT NULL,
    due bigint NOT NULL,
    updated bigint NOT NULL,
    status smallint,
    elapsed bigint,
    rule text,
    detail text
) WITH (fillfactor = 80);
CREATE INDEX delivery_due ON xinqiao.delivery (due, id) WHERE state = 0;
CREATE INDEX delivery_event ON xinqiao.delivery (seq);
CREATE INDEX delivery_held ON xinqiao.delivery (held) WHERE state = 0 AND held <> 0;

CREATE TABLE xinqiao.token (
    credential text PRIMARY KEY,
    sealed bytea,
    obtained bigint NOT NULL DEFAULT 0,
    expires bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL,
    owner text NOT NULL,
    leased_until bigint NOT NULL,
    -- When it was put, by the database's clock: others look for what is new.
    put bigint NOT NULL DEFAULT 0
);
CREATE INDEX token_put ON xinqiao.token (put);

CREATE TABLE xinqiao.app_key (
    id text PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    app text NOT NULL,
    accounts text NOT NULL,
    created bigint NOT NULL,
    revoked bigint
);

CREATE TABLE xinqiao.account (appid text PRIMARY KEY, sealed bytea NOT NULL);

-- The moment that leases, holds and retries are counted from: the database's, for all nodes alike, whatever their
-- own clocks say. Callers that bring a time of their own, as tests do, get that one.
CREATE FUNCTION xinqiao.at(given bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(given, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;

-- A day's partition, made apart and then attached, so that readers of other days are not held up.
CREATE FUNCTION xinqiao.prepare_day(wanted int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7305812001);
    IF to_regclass('xinqiao.event_d' || wanted) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE xinqiao.event_d%1$s (LIKE xinqiao.event INCLUDING ALL, CHECK (day = %1$s))', wanted);
        EXECUTE format(
            'ALTER TABLE xinqiao.event ATTACH PARTITION xinqiao.event_d%1$s FOR VALUES IN (%1$s)', wanted);
        INSERT INTO xinqiao.event_day VALUES (wanted);
    END IF;
END
$$;

-- The Shanghai day of a moment.
CREATE FUNCTION xinqiao.day_of(moment bigint) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT floor((moment + 28800000) / 86400000.0)::int
$$;

-- Drops a day. It waits for whoever reads the log, and all appends would wait behind it: so not for long. Returns
-- whether the day is gone; if not, it is tried again another time.
CREATE FUNCTION xinqiao.drop_day(old int) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS xinqiao.event_d%s', old);
    DELETE FROM xinqiao.event_day WHERE day = old;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;

-- A batch of events with their deliveries, or for each that is known where the first one is. No key twice in a batch.
-- One batch at a time in the whole database, so that places in the log are given in the order of commits: whoever
-- has read up to a place has missed nothing before it.
CREATE FUNCTION xinqiao.append(
    node int, given bigint,
    days int[], dedups bytea[], appids text[], kinds text[], times bigint[], keys bigint[], bodies bytea[],
    readings text[], rules text[], apps text[], holds bigint[]
) RETURNS TABLE (
    n bigint, fresh boolean, day int, seq bigint, deliveries bigint[], held int, received bigint, answer int
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    moment bigint := xinqiao.at(given);
BEGIN
    IF EXISTS (SELECT FROM unnest(keys) k WHERE NOT EXISTS (SELECT FROM xinqiao.data_key d WHERE d.id = k)) THEN
        RAISE 'a data key was erased' USING ERRCODE = 'XQ001';
    END IF;
    PERFORM pg_advisory_xact_lock(7305812002);
    RETURN QUERY
    WITH input AS MATERIALIZED (
        SELECT * FROM unnest(days, dedups, appids, kinds, times, keys, bodies, readings, rules, apps, holds)
            WITH ORDINALITY AS i(day, dedup, appid, kind, received, key, body, reading, rule, apps, hold, n)
    ), entered AS (
        INSERT INTO xinqiao.dedup AS d (key, day, seq)
        SELECT i.dedup, i.day, nextval('xinqiao.event_seq') FROM input i ORDER BY i.n
        ON CONFLICT DO NOTHING RETURNING d.key, d.seq
    ), fresh AS MATERIALIZED (
        SELECT i.*, e.seq FROM input i JOIN entered e ON e.key = i.dedup
    ), stored AS (
        INSERT INTO xinqiao.event (seq, day, dedup, appid, kind, received, key, body, reading, rule, answer, answered)
        SELECT f.seq, f.day, f.dedup, f.appid, f.kind, f.received, f.key, f.body, f.reading, f.rule,
            CASE WHEN f.apps = '' THEN ''::bytea END, CASE WHEN f.apps = '' THEN f.received END
        FROM fresh f
    ), sent AS (
        INSERT INTO xinqiao.delivery AS d (day, seq, appid, app, state, held, fence, attempts, due, updated)
        SELECT f.day, f.seq, f.appid, a.app, 0, node, 1, 0, moment + f.hold, f.received
        FROM fresh f, unnest(string_to_array(f.apps, E'\x1f')) WITH ORDINALITY AS a(app, place)
        ORDER BY f.seq, a.place
        RETURNING d.seq, d.id
    ), of_event AS (
        SELECT s.seq, array_agg(s.id ORDER BY s.id) AS ids FROM sent s GROUP BY s.seq
    )
    SELECT i.n, f.seq IS NOT NULL, coalesce(f.day, first.day), coalesce(f.seq, first.seq),
        coalesce(o.ids, first.ids), first.held, first.received, first.answer
    FROM input i
    LEFT JOIN fresh f ON f.n = i.n
    LEFT JOIN of_event o ON o.seq = f.seq
    LEFT JOIN LATERAL (
        -- Not the answer itself: what does not fit the connection's buffers would hold the lock as long as a node
        -- that stands still does not read. How long it is: no event, none yet, silence or a reply.
        SELECT d.day, d.seq, v.received, h.ids, h.held,
            CASE WHEN v.seq IS NULL THEN 0 ELSE octet_length(v.answer) END AS answer
        FROM xinqiao.dedup d
        LEFT JOIN xinqiao.event v ON v.seq = d.seq AND v.day = d.day
        LEFT JOIN LATERAL (
            SELECT array_agg(y.id ORDER BY y.id) AS ids, max(y.held) AS held
            FROM xinqiao.delivery y WHERE y.seq = d.seq AND y.state = 0 AND y.fence = 1
        ) h ON true
        WHERE f.n IS NULL AND d.key = i.dedup
    ) first ON true;
END
$$;

-- The ends of a batch of attempts. Returns those that counted.
CREATE FUNCTION xinqiao.finish(
    given bigint,
    ids bigint[], fences bigint[], states smallint[], tried int[], pauses bigint[], times bigint[],
    statuses smallint[], elapsed_ms bigint[], rules text[], details text[],
    days int[], seqs bigint[], answers bytea[]
) RETURNS TABLE (n bigint) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    moment bigint := xinqiao.at(given);
BEGIN
    RETURN QUERY
    WITH input AS MATERIALIZED (
        SELECT * FROM unnest(ids, fences, states, tried, pauses, times, statuses, elapsed_ms, rules, details, days,
            seqs, answers) WITH ORDINALITY
            AS i(id, fence, state, attempts, pause, at, status, elapsed, rule, detail, day, seq, answer, n)
    ), ended AS (
        UPDATE xinqiao.delivery d SET state = i.state, held = 0, attempts = i.attempts, due = moment + i.pause,
            updated = i.at, status = i.status, elapsed = i.elapsed, rule = i.rule, detail = i.detail
        FROM input i WHERE d.id = i.id AND d.fence = i.fence
        RETURNING i.n
    ), answered AS (
        UPDATE xinqiao.event v SET answer = i.answer, answered = i.at
        FROM input i JOIN ended e ON e.n = i.n
        WHERE i.answer IS NOT NULL AND v.seq = i.seq AND v.day = i.day AND v.answer IS NULL
    )
    SELECT e.n FROM ended e;
END
$$;
