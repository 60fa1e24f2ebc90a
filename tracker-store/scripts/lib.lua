-- Shared by all scripts; the loader (scripts.ts) prepends it to each.
-- A script answers { 'OK', JSON } or { error code, detail }.
-- Scripts with an idempotency key have it in KEYS[1]. Scripts that change a group have
-- KEYS: 2 revision, 3 stream, 4 meta, 5 members; if they touch files, 6 files, 7 content, 8 hashes prefix, 9 names,
--       10 versions, 11 tags, 12 tag history
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

-- Removes one version from this content. Hashes without a version stay for a day, because downloads may be running.
local function release(fileId)
  if redis.call('HINCRBY', KEYS[7], fileId, -1) <= 0 then
    redis.call('HDEL', KEYS[7], fileId)
    redis.call('EXPIRE', KEYS[8] .. fileId, DAY)
  end
end

-- Sorted sets of rows, all with score 0. A row is its key's parts, each ended by a line feed, then JSON: versions are
-- keyed by name and number, tags by name and tag, the tag history by name, revision and tag. No name contains a line feed,
-- and UTF-8 has no byte 255, so all rows below a prefix are one range.
local function rowsBelow(set, prefix)
  return redis.call('ZRANGEBYLEX', set, '[' .. prefix, '(' .. prefix .. '\255')
end

local function removeRowsBelow(set, prefix)
  redis.call('ZREMRANGEBYLEX', set, '[' .. prefix, '(' .. prefix .. '\255')
end

local function jsonOf(row)
  return row:match('[^\n]*$')
end

-- Of each name, this many of the newest versions are kept, and every tagged one.
local VERSIONS_KEPT = 1000
local function numbered(name, number)
  return string.format('%s\n%016d\n', name, number)
end

local function isTagged(name, version)
  for _, row in ipairs(rowsBelow(KEYS[11], name .. '\n')) do
    if cjson.decode(jsonOf(row)).version == version then return true end
  end
  return false
end

-- Drops a replaced version if nothing keeps it: `newest` is the number of the name's newest one.
local function dropUnkept(name, version, newest)
  if version < 1 or version > newest - VERSIONS_KEPT or isTagged(name, version) then return end
  local row = rowsBelow(KEYS[10], numbered(name, version))[1]
  if not row then return end
  redis.call('ZREM', KEYS[10], row)
  release(cjson.decode(jsonOf(row)).fileId)
end

local function tagRow(name, tag)
  return rowsBelow(KEYS[11], name .. '\n' .. tag .. '\n')[1]
end

-- Of each tag the newest 100 changes are kept, and of each name the newest 1,000.
local CHANGES_OF_TAG = 100
local CHANGES_OF_NAME = 1000
local function keepChange(name, tag, revision, from, to)
  local function field(version) return version and string.format('%d', version) or 'null' end
  redis.call('ZADD', KEYS[12], 0, numbered(name, revision) .. tag .. '\n' .. string.format(
    '{"name":%s,"tag":%s,"revision":%d,"from":%s,"to":%s,"by":%s,"at":%s}',
    quote(name), quote(tag), revision, field(from), field(to), quote(ARGV[2]), quote(ARGV[3])))
  local rows, ofTag = rowsBelow(KEYS[12], name .. '\n'), {}
  for _, row in ipairs(rows) do
    if row:find('\n' .. tag .. '\n', 1, true) then ofTag[#ofTag + 1] = row end
  end
  if #ofTag > CHANGES_OF_TAG then redis.call('ZREM', KEYS[12], ofTag[1])
  elseif #rows > CHANGES_OF_NAME then redis.call('ZREM', KEYS[12], rows[1]) end
end

-- Whether the caller may decide what others get under this file's name: the uploader of its newest version, or an admin.
local function mayRule(file)
  return file.uploader == ARGV[2] or isAdmin(ARGV[2])
end
