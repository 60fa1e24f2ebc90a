-- Replaces a password hash and revokes all of the user's sessions but one.
-- KEYS: 1 idempotency, 2 record, 3 sessions, 4 session prefix
-- ARGV: 1 user, 2 password hash, 3 the hash it must replace, 4 token hash to keep or '', 5 revocation channel
-- Answers the revoked token hashes. USER_NOT_FOUND, WRONG_PASSWORD.
local answer = repeated()
if answer then return answer end
if redis.call('HGET', KEYS[2], 'user') ~= ARGV[1] then return refuse('USER_NOT_FOUND') end
if redis.call('HGET', KEYS[2], 'passwordHash') ~= ARGV[3] then return refuse('WRONG_PASSWORD') end
redis.call('HSET', KEYS[2], 'passwordHash', ARGV[2])
local revoked = {}
for _, token in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if token ~= ARGV[4] then
    redis.call('ZREM', KEYS[3], token)
    redis.call('DEL', KEYS[4] .. token)
    revoked[#revoked + 1] = quote(token)
  end
end
local list = '[' .. table.concat(revoked, ',') .. ']'
redis.call('PUBLISH', ARGV[5], list)
return done(list)
