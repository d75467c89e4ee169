-- Rows of the sample application, spread over the last 120 days. Each "-- step:" is one transaction and is announced;
-- a number in braces is multiplied by the scale, which SQL reads from the setting sample.scale.
-- Every value comes from a row's number by a hash: the same scale gives the same rows, shifted to today.
-- Rows of all tables are numbered in the order of time, evenly. So a row that picks its parent among the numbers of the
-- same share of that table finds one that existed then, and the indexes on times grow at their end, as in real life.
-- Addresses are of domains and networks reserved for examples: nothing here can reach anybody.

-- step: tools for generating

-- A number from 0 up to 1 for row p_row; another p_salt gives an unrelated one.
CREATE FUNCTION public.sample_random(p_row bigint, p_salt integer) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashint8extended(p_row, p_salt) & 1073741823)::double precision / 1073741824;

-- One of the given values, with the same chance for each.
CREATE FUNCTION public.sample_choice(p_row bigint, p_salt integer, p_values text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN p_values[1 + floor(public.sample_random(p_row, p_salt) * cardinality(p_values))::integer];

-- How many rows a table gets whose size at scale 1 is p_count.
CREATE FUNCTION public.sample_count(p_count integer) RETURNS integer
    LANGUAGE sql STABLE
    RETURN greatest(1, round(p_count * current_setting('sample.scale')::numeric))::integer;

-- When row p_row of p_rows came into being.
CREATE FUNCTION public.sample_time(p_row bigint, p_rows integer) RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN now() - interval '120 days' * (1 - p_row::double precision / p_rows);

-- The parent of row p_row of p_rows among p_parents; p_skew 1 gives all the same chance, 2 prefers the early ones.
CREATE FUNCTION public.sample_parent(p_row bigint, p_rows integer, p_parents integer, p_salt integer, p_skew integer)
    RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN greatest(1, floor(
        p_row::double precision / p_rows * p_parents * public.sample_random(p_row, p_salt) ^ p_skew));

-- step: {10000} users

INSERT INTO public.users (id, email, full_name, locale, created_at, last_seen_at, deactivated_at)
SELECT n,
       lower(first_name || '.' || last_name || '.' || n) || '@'
           || sample_choice(n, 3, '{example.com,example.org,example.net}'),
       first_name || ' ' || last_name,
       sample_choice(n, 4, '{en,en,en,en,de,de,es,fr}'),
       created_at,
       -- Most were here lately, one in twenty never came back.
       CASE WHEN sample_random(n, 6) < 0.95 THEN now() - (now() - created_at) * sample_random(n, 7) ^ 4 END,
       -- Three in a hundred have closed their account, about half of them long enough ago to be deleted.
       CASE WHEN sample_random(n, 8) < 0.03 THEN now() - (now() - created_at) * sample_random(n, 9) END
FROM (
    SELECT n,
           sample_choice(n, 1, '{Ada,Alan,Amara,Bjorn,Carla,Chen,Diego,Elena,Farah,Grace,Hiro,Ines,Jonas,Katya,Liam,'
               'Maya,Noor,Omar,Priya,Quentin,Rosa,Sven,Tara,Yusuf}') AS first_name,
           sample_choice(n, 2, '{Abara,Bauer,Costa,Dubois,Eriksen,Fischer,Garcia,Haddad,Ito,Jansen,Kowalski,Lopez,'
               'Moreau,Nguyen,Okafor,Patel,Rossi,Schmidt,Tanaka,Weber}') AS last_name,
           sample_time(n, users) AS created_at
    FROM sample_count(10000) AS users, generate_series(1, users) AS n
) AS people;
SELECT setval(pg_get_serial_sequence('public.users', 'id'), max(id)) FROM public.users;

-- step: {50000} chats

INSERT INTO public.chats (id, user_id, title, model, created_at, updated_at)
SELECT n,
       sample_parent(n, chats, users, 10, 2),
       sample_choice(n, 11, '{Quarterly report,Trip to Lisbon,Bug in the importer,Birthday speech,Contract summary,'
           'SQL question,Onboarding plan,Recipe ideas,Release notes,Interview questions}'),
       sample_choice(n, 12, '{model-large,model-small,model-fast}'),
       created_at,
       now() - (now() - created_at) * sample_random(n, 13)
FROM sample_count(10000) AS users, sample_count(50000) AS chats, generate_series(1, chats) AS n,
     sample_time(n, chats) AS created_at;
SELECT setval(pg_get_serial_sequence('public.chats', 'id'), max(id)) FROM public.chats;

-- step: {200000} chat sessions

-- Where the role may, foreign keys are not checked row by row (a third of the time): they hold by construction.
SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser')::boolean;
INSERT INTO public.chat_sessions (id, chat_id, user_id, client, message_count, started_at, updated_at, ended_at)
SELECT n,
       c.id,
       c.user_id,
       sample_choice(n, 21, '{web,web,web,ios,android,api}'),
       floor(40 * sample_random(n, 22) ^ 2),
       started_at,
       ends.updated_at,
       -- One client in five vanishes without closing.
       CASE WHEN sample_random(n, 23) < 0.8 THEN ends.updated_at END
FROM sample_count(50000) AS chats, sample_count(200000) AS sessions, generate_series(1, sessions) AS n,
     sample_time(n, sessions) AS started_at,
     LATERAL (SELECT least(now(), started_at + interval '3 hours' * sample_random(n, 24) ^ 3) AS updated_at) AS ends,
     public.chats AS c
WHERE c.id = sample_parent(n, sessions, chats, 20, 1)
ORDER BY n;
SELECT setval(pg_get_serial_sequence('public.chat_sessions', 'id'), max(id)) FROM public.chat_sessions;

-- step: the messages of {50000} chats

SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser')::boolean;
-- Three chats in a hundred were opened and never used.
INSERT INTO public.messages (chat_id, role, content, created_at)
SELECT c.id,
       CASE k % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
       sample_choice(c.id * 8 + k, 61, '{Can you summarise this?,Here is a first draft.,Make it shorter.,Done: half as long.,'
           'What does the last line mean?,It sums up the quarter.}'),
       c.created_at + interval '1 minute' * k
FROM public.chats AS c, generate_series(1, CASE WHEN sample_random(c.id, 60) < 0.03 THEN 0 ELSE 1 + floor(4 * sample_random(c.id, 62) ^ 2)::integer END) AS k
ORDER BY c.id, k;

-- step: workspaces, invitations, subscriptions and sign-ins

SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser')::boolean;
INSERT INTO public.workspaces (id, name, owner_id, created_at)
SELECT n, sample_choice(n, 70, '{Research,Sales,Design,Support,Finance,Legal}') || ' ' || n,
       sample_parent(n, workspaces, users, 71, 1), sample_time(n, workspaces)
FROM sample_count(10000) AS users, sample_count(2000) AS workspaces, generate_series(1, workspaces) AS n;
SELECT setval(pg_get_serial_sequence('public.workspaces', 'id'), max(id)) FROM public.workspaces;

INSERT INTO public.workspace_invitations (workspace_id, email, status, created_at, expires_at)
SELECT sample_parent(n, invitations, workspaces, 72, 1), 'guest' || n || '@example.net',
       sample_choice(n, 73, '{pending,pending,accepted,accepted,declined}'), created_at, created_at + interval '14 days'
FROM sample_count(2000) AS workspaces, sample_count(6000) AS invitations, generate_series(1, invitations) AS n,
     sample_time(n, invitations) AS created_at;

-- Their endpoints are of a name that is nowhere; half say when they end.
INSERT INTO public.push_subscriptions (user_id, endpoint, p256dh, auth, created_at, last_used_at, expires_at)
SELECT sample_parent(n, subscriptions, users, 74, 1), 'https://push.example.com/' || n,
       'BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM', 'tBHItJI5svbpez7KI4CCXg',
       created_at, created_at + (now() - created_at) * sample_random(n, 75),
       CASE WHEN sample_random(n, 76) < 0.5 THEN created_at + interval '180 days' * sample_random(n, 77) END
FROM sample_count(10000) AS users, sample_count(8000) AS subscriptions, generate_series(1, subscriptions) AS n,
     sample_time(n, subscriptions) AS created_at;

INSERT INTO public.auth_sessions (user_id, created_at, expires_at)
SELECT sample_parent(n, sign_ins, users, 78, 1), created_at, created_at + interval '30 days'
FROM sample_count(10000) AS users, sample_count(40000) AS sign_ins, generate_series(1, sign_ins) AS n,
     sample_time(n, sign_ins) AS created_at;

INSERT INTO public.sessions (user_id, data, expires_at)
SELECT CASE WHEN sample_random(n, 79) < 0.4 THEN sample_parent(n, sessions, users, 80, 1) END,
       jsonb_build_object('theme', sample_choice(n, 81, '{light,dark}')), sample_time(n, sessions) + interval '7 days'
FROM sample_count(10000) AS users, sample_count(60000) AS sessions, generate_series(1, sessions) AS n;

INSERT INTO jobplatform.error_logs (created_at, level, category, message)
SELECT sample_time(n, logs), sample_choice(n, 82, '{warning,warning,error}'), 'JobPlatform.Sample',
       sample_choice(n, 83, '{The mail server did not answer.,The run was given back.,A row was locked for long.}')
FROM sample_count(5000) AS logs, generate_series(1, logs) AS n;

-- step: streams, projects and files

-- Half of them died without a word.
INSERT INTO public.active_streams (chat_id, stream_id, started_at, heartbeat_at)
SELECT id, 'stream-' || id, now() - interval '1 hour', now() - interval '1 hour' * (id % 2)
FROM public.chats ORDER BY id LIMIT sample_count(200);

INSERT INTO public.projects (id, user_id, name, created_at)
SELECT n, sample_parent(n, projects, users, 85, 1), sample_choice(n, 86, '{Launch,Audit,Moving house,Thesis}') || ' ' || n, sample_time(n, projects)
FROM sample_count(10000) AS users, sample_count(500) AS projects, generate_series(1, projects) AS n;
SELECT setval(pg_get_serial_sequence('public.projects', 'id'), max(id)) FROM public.projects;

INSERT INTO public.project_files (project_id, blob_path, created_at)
SELECT id, 'projects/' || id || '/' || k || '.txt', created_at FROM public.projects, generate_series(1, 3) AS k;

INSERT INTO public.message_attachments (message_id, blob_path, created_at)
SELECT id, 'chats/' || chat_id || '/' || id || '.txt', created_at FROM public.messages WHERE id % 40 = 1;

-- A page for each, the file for all, and here and there one whose attachment was taken away.
INSERT INTO public.message_sources (message_id, kind, reference, created_at)
SELECT message_id, kind, CASE kind WHEN 'web' THEN 'https://www.example.org/' || id WHEN 'file' THEN blob_path END, created_at
FROM public.message_attachments, unnest('{web,file}'::text[]) AS kind
UNION ALL
SELECT message_id, 'file', blob_path || '.old', created_at FROM public.message_attachments WHERE id % 10 = 1;

-- step: {100000} activities for leaderboards

SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser')::boolean;
-- One organisation in five has nothing that its leaderboard does not show; the others wait for their first.
INSERT INTO public.organisations (id, slug, name, ingest_key, leaderboard_stale_at)
SELECT n, 'org-' || n, 'Organisation ' || n, 'org-' || n, CASE WHEN n % 5 > 0 THEN now() END
FROM sample_count(20) AS organisations, generate_series(1, organisations) AS n;
SELECT setval(pg_get_serial_sequence('public.organisations', 'id'), max(id)) FROM public.organisations;

INSERT INTO public.activities (id, organisation_id, entity_type, entity_id, kind, amount, occurred_at)
SELECT n, 1 + floor(organisations * sample_random(n, 90)), sample_choice(n, 91, '{user,user,user,team}'),
       1 + floor(400 * sample_random(n, 92) ^ 2), sample_choice(n, 93, '{message,message,document,review}'),
       1 + floor(3 * sample_random(n, 94)), sample_time(n, activities)
FROM sample_count(20) AS organisations, sample_count(100000) AS activities, generate_series(1, activities) AS n;
SELECT setval(pg_get_serial_sequence('public.activities', 'id'), max(id)) FROM public.activities;

-- step: accounts, {8000} subscriptions, licences, credits and affiliates

SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser')::boolean;
-- Each user has an account; two in a hundred are organisations of five.
INSERT INTO public.accounts (id, name, kind, owner_id, stripe_customer_id, credits, low_credits_threshold, credits_refilled_at, created_at)
SELECT id, CASE WHEN is_organisation THEN 'Team of ' || full_name ELSE full_name END, CASE WHEN is_organisation THEN 'organisation' ELSE 'personal' END,
       id, CASE WHEN sample_random(id, 111) < 0.8 THEN 'cus_sample' || id END, floor(5000 * sample_random(id, 101)), 20, created_at, created_at
FROM (SELECT *, sample_random(id, 100) < 0.02 AS is_organisation FROM public.users) AS owners;
SELECT setval(pg_get_serial_sequence('public.accounts', 'id'), max(id)) FROM public.accounts;
INSERT INTO public.account_members (account_id, user_id)
SELECT id, owner_id FROM public.accounts
UNION
SELECT a.id, a.owner_id + k FROM public.accounts AS a, generate_series(1, 4) AS k
WHERE a.kind = 'organisation' AND EXISTS (SELECT FROM public.users AS u WHERE u.id = a.owner_id + k);

INSERT INTO public.subscriptions (account_id, stripe_subscription_id, stripe_customer_id, status, plan, quantity, amount, currency, billing_interval,
    interval_count, current_period_end, cancel_at_period_end, is_paused, started_at, trial_ends_at, ended_at)
SELECT id, 'sub_sample' || id, stripe_customer_id,
       CASE WHEN luck < 0.80 THEN 'active' WHEN luck < 0.86 THEN 'trialing' WHEN luck < 0.90 THEN 'past_due' ELSE 'canceled' END,
       plan || '_' || every, quantity,
       quantity * CASE plan WHEN 'starter' THEN 900 WHEN 'pro' THEN 2900 ELSE 9900 END * CASE every WHEN 'year' THEN 10 ELSE 1 END * CASE currency WHEN 'jpy' THEN 1.5 ELSE 1 END,
       currency, every, 1, now() + interval '30 days' * sample_random(id, 106), sample_random(id, 107) < 0.04, sample_random(id, 108) < 0.02, created_at,
       CASE WHEN luck BETWEEN 0.80 AND 0.86 THEN now() + interval '14 days' * sample_random(id, 109) END,
       CASE WHEN luck >= 0.90 THEN created_at + (now() - created_at) * sample_random(id, 110) END
FROM public.accounts,
     sample_random(id, 102) AS luck, sample_choice(id, 103, '{starter,starter,pro,business}') AS plan,
     sample_choice(id, 104, '{month,month,month,year}') AS every, sample_choice(id, 105, '{eur,eur,usd,usd,gbp,jpy}') AS currency,
     LATERAL (SELECT CASE kind WHEN 'organisation' THEN 5 ELSE 1 END AS quantity) AS seats
WHERE stripe_customer_id IS NOT NULL;

-- Some end within the next days, some have ended and not been noticed.
INSERT INTO public.licenses (account_id, product, expires_at)
SELECT id, sample_choice(id, 112, '{Desktop,Desktop,Server}'), now() + interval '400 days' * (sample_random(id, 113) - 0.005)
FROM public.accounts WHERE sample_random(id, 114) < 0.1;

-- Three of the queue are due; the fourth has four days left, the fifth was withdrawn.
INSERT INTO public.account_deletion_requests (account_id, requested_at, withdrawn_at)
SELECT id, now() - interval '1 day' * CASE WHEN place <= 3 THEN 31 ELSE 26 END, CASE WHEN place = 5 THEN now() - interval '20 days' END
FROM (SELECT a.id, row_number() OVER (ORDER BY a.id) AS place FROM public.accounts AS a WHERE a.kind = 'personal'
          AND NOT EXISTS (SELECT FROM public.subscriptions AS s WHERE s.account_id = a.id)) AS leaving
WHERE place <= 5;

INSERT INTO public.payments (id, account_id, stripe_payment_id, amount, currency, paid_at, refunded_at)
SELECT n, account_id, 'pi_sample' || n, round(amount), currency, paid_at, CASE WHEN sample_random(n, 116) < 0.03 THEN paid_at + (now() - paid_at) * 0.3 END
FROM (SELECT row_number() OVER (ORDER BY id) AS n, * FROM public.subscriptions WHERE id % 4 = 0) AS s,
     LATERAL (SELECT s.started_at + (now() - s.started_at) * sample_random(n, 115) AS paid_at) AS paid;
SELECT setval(pg_get_serial_sequence('public.payments', 'id'), max(id)) FROM public.payments;
INSERT INTO public.affiliate_conversions (affiliate_id, payment_id, commission, currency, hold_until)
SELECT 1 + id % (SELECT count(*) FROM public.users), id, amount / 5, currency, paid_at + interval '30 days' FROM public.payments WHERE id % 3 = 0;

-- step: {400000} AI requests

SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser')::boolean;
INSERT INTO public.ai_requests
    (id, user_id, provider, model, status, input_tokens, output_tokens, cost_usd, duration_ms, created_at)
SELECT n,
       -- One in twenty is background work.
       CASE WHEN sample_random(n, 30) >= 0.05 THEN sample_parent(n, requests, users, 31, 2) END,
       provider,
       provider || '-' || sample_choice(n, 33, '{large,small,fast}'),
       status,
       input_tokens,
       output_tokens,
       input_tokens * 0.000003 + output_tokens * 0.000015,
       CASE WHEN status <> 'failed' THEN 80 + output_tokens * 12 END,
       sample_time(n, requests)
FROM sample_count(10000) AS users, sample_count(400000) AS requests, generate_series(1, requests) AS n,
     sample_choice(n, 32, '{openai,openai,anthropic,anthropic,google}') AS provider,
     sample_random(n, 37) AS luck,
     LATERAL (SELECT CASE WHEN luck < 0.970 THEN 'succeeded' WHEN luck < 0.985 THEN 'failed'
                          WHEN luck < 0.998 THEN 'rate_limited' ELSE 'out_of_credit' END AS status) AS ends,
     LATERAL (SELECT CASE WHEN status = 'succeeded' THEN 50 + floor(6000 * sample_random(n, 34) ^ 3)::integer ELSE 0 END
                         AS input_tokens,
                     CASE WHEN status = 'succeeded' THEN 10 + floor(1500 * sample_random(n, 35) ^ 2)::integer ELSE 0 END
                         AS output_tokens) AS tokens;
SELECT setval(pg_get_serial_sequence('public.ai_requests', 'id'), max(id)) FROM public.ai_requests;

-- step: {100000} audit log rows

INSERT INTO jobplatform.admin_logs (created_at, actor, action, subject, address, details)
SELECT sample_time(n, logs),
       sample_choice(n, 40, '{admin@example.com,support@example.com,billing@example.com,system}'),
       sample_choice(n, 41, '{user.signed_in,user.signed_in,user.updated,user.deactivated,user.locale_changed,'
           'credits.granted}'),
       'user:' || sample_parent(n, logs, users, 42, 1),
       (sample_choice(n, 43, '{192.0.2.,198.51.100.,203.0.113.}') || 1 + floor(254 * sample_random(n, 44)))::inet,
       jsonb_build_object('sample', true,
           'reason', sample_choice(n, 45, '{asked by the user,routine,support ticket,policy}'))
FROM sample_count(10000) AS users, sample_count(100000) AS logs, generate_series(1, logs) AS n;

-- step: {500} mails to send

-- Four in five are due at once, the others within the next two days.
SELECT count(jobplatform.enqueue_email(
           p_to => email,
           p_subject => subject,
           p_html => '<p>' || greeting || ' ' || full_name || ',</p><p>' || body || '</p>',
           p_text => greeting || ' ' || full_name || E',\n\n' || body || E'\n',
           p_run_at => now() + interval '2 days' * greatest(0, sample_random(id, 50) - 0.8) * 5))
FROM (
    SELECT id, email, full_name,
           CASE locale WHEN 'de' THEN 'Ihre Woche im Überblick' WHEN 'es' THEN 'Tu semana en resumen'
                       WHEN 'fr' THEN 'Votre semaine en bref' ELSE 'Your week at a glance' END AS subject,
           CASE locale WHEN 'de' THEN 'Guten Tag' WHEN 'es' THEN 'Hola'
                       WHEN 'fr' THEN 'Bonjour' ELSE 'Hello' END AS greeting,
           CASE locale WHEN 'de' THEN 'Ihr Wochenbericht ist fertig.' WHEN 'es' THEN 'Tu informe semanal está listo.'
                       WHEN 'fr' THEN 'Votre rapport hebdomadaire est prêt.'
                       ELSE 'Your weekly report is ready.' END AS body
    FROM public.users
    WHERE deactivated_at IS NULL
    ORDER BY id
    LIMIT sample_count(500)
) AS readers;

-- step: removing the tools

DROP FUNCTION public.sample_parent(bigint, integer, integer, integer, integer);
DROP FUNCTION public.sample_time(bigint, integer);
DROP FUNCTION public.sample_count(integer);
DROP FUNCTION public.sample_choice(bigint, integer, text[]);
DROP FUNCTION public.sample_random(bigint, integer);
