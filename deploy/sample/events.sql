-- What the sample application would have said, told once at the first start, so that the handlers which wait for events
-- have something to show. In the platform's database; the application's may be another.
SELECT jobplatform.emit_event('stream.ended', '{"chat_id": 1, "stream_id": "stream-1", "outcome": "finished"}', 'sample-1');
SELECT jobplatform.emit_event('chat.deleted', '{"chat_id": 900000001}', 'sample-2');
SELECT jobplatform.emit_event('project.deleted', '{"project_id": 900000002, "chat_ids": [900000003]}', 'sample-3');
SELECT jobplatform.emit_event('message.attachments_changed', '{"message_id": 1}', 'sample-4');
SELECT jobplatform.emit_event('leaderboard.stale', '{"organisation_id": 1}', 'sample-5');
SELECT jobplatform.emit_event('leaderboard.scored_partially', '{"organisation_id": 1, "entity_types": ["team"]}', 'sample-6');
SELECT jobplatform.emit_event('llm.request_failed', '{"provider": "openai", "status": 429, "model": "openai-large"}', 'sample-7');
