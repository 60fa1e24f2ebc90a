-- Creates a session and removes the user's expired ones.
-- KEYS: 1 idempotency, 2 record, 3 sessions, 4 session prefix
-- ARGV: 1 user, 2 token hash, 3 session (JSON), 4 expires, 5 now (both ms)
-- Answers {}. USER_NOT_FOUND.
local answer = repeated()
if answer then return answer end
if redis.call('HGET', KEYS[2], 'user') ~= ARGV[1] then return refuse('USER_NOT_FOUND') end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
redis.call('SET', KEYS[4] .. ARGV[2], ARGV[3], 'PXAT', ARGV[4])
return done('{}')
