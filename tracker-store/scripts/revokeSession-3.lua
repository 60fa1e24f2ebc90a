-- Revokes a session. An unknown session counts as revoked.
-- KEYS: 1 idempotency, 2 sessions, 3 session prefix
-- ARGV: 1 token hash, 2 revocation channel
-- Answers the revoked token hashes.
local answer = repeated()
if answer then return answer end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3] .. ARGV[1])
local list = '[' .. quote(ARGV[1]) .. ']'
redis.call('PUBLISH', ARGV[2], list)
return done(list)
