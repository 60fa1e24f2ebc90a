-- Creates a user.
-- KEYS: 1 idempotency, 2 record
-- ARGV: 1 user, 2 password hash, 3 at
-- Answers {}. USER_TAKEN: the taken name, which may differ in case.
local answer = repeated()
if answer then return answer end
local taken = redis.call('HGET', KEYS[2], 'user')
if taken then return refuse('USER_TAKEN', taken) end
redis.call('HSET', KEYS[2], 'user', ARGV[1], 'passwordHash', ARGV[2], 'created', ARGV[3])
return done('{}')
