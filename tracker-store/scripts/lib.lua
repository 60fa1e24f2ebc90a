-- Shared by all scripts; the loader (scripts.ts) prepends it to each.
-- A script answers { 'OK', JSON } or { error code, detail }.
-- Scripts with an idempotency key have it in KEYS[1]. Scripts that change a group have
-- KEYS: 2 revision, 3 stream, 4 meta, 5 members; if they touch files, 6 files, 7 content, 8 hashes prefix
-- ARGV: 1 group, 2 by, 3 at, 4 channel
local DAY = 86400
local STREAM_LENGTH = 4096
local quote = cjson.encode

-- Whether KEYS[1] is an idempotency key; repeated() sets it.
local keyed = false

-- A refused change must stay refused: its first attempt may still be on its way over an abandoned connection, and
-- arrive when it would be granted. So a refusal is kept long enough for that (seconds). HASHES_NEEDED is not: the
-- client sends the hashes and repeats the request.
local REFUSED = 300
local function refuse(code, detail)
  if keyed and code ~= 'HASHES_NEEDED' then
    redis.call('SET', KEYS[1], '!' .. code .. ' ' .. (detail or ''), 'EX', REFUSED)
  end
  return { code, detail or '' }
end

-- The first answer to this mutation, or nil if it was never made.
local function repeated()
  keyed = true
  local answer = redis.call('GET', KEYS[1])
  if not answer then return nil end
  local code, detail = answer:match('^!(%S+) (.*)$')
  if code then return { code, detail } end
  return { 'OK', answer }
end

local function done(answer)
  redis.call('SET', KEYS[1], answer, 'EX', DAY)
  return { 'OK', answer }
end

-- `change` is the body of a JSON object. Numbers in records bypass cjson, whose 14 digits would round large sizes.
local function emit(change)
  local revision = redis.call('INCR', KEYS[2])
  local event = string.format('{%s,"group":%s,"revision":%d,"at":%s,"by":%s}',
    change, quote(ARGV[1]), revision, quote(ARGV[3]), quote(ARGV[2]))
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', STREAM_LENGTH, revision .. '-0', 'event', event)
  redis.call('PUBLISH', ARGV[4], event)
  return revision
end

-- The hash tag folds case, so compare the exact name.
local function groupMissing()
  return redis.call('HGET', KEYS[4], 'name') ~= ARGV[1]
end

local function roleOf(user)
  local member = redis.call('HGET', KEYS[5], user)
  return member and cjson.decode(member).role or nil
end

local function isAdmin(user)
  local role = roleOf(user)
  return role == 'admin' or role == 'owner'
end

local function setMember(user, role, since)
  redis.call('HSET', KEYS[5], user, string.format('{"user":%s,"role":%s,"since":%s}',
    quote(user), quote(role), quote(since)))
end

local function setRole(user, role)
  setMember(user, role, cjson.decode(redis.call('HGET', KEYS[5], user)).since)
end

-- JSON array of the strings ARGV[first], ARGV[first + 1], …
local function listFrom(first)
  local quoted = {}
  for i = first, #ARGV do quoted[#quoted + 1] = quote(ARGV[i]) end
  return '[' .. table.concat(quoted, ',') .. ']'
end

-- Removes one name from this content. Hashes without a name stay for a day, because downloads may be running.
local function release(fileId)
  if redis.call('HINCRBY', KEYS[7], fileId, -1) <= 0 then
    redis.call('HDEL', KEYS[7], fileId)
    redis.call('EXPIRE', KEYS[8] .. fileId, DAY)
  end
end
