-- Publishes files, all or none, with one event per file.
-- KEYS: 1 idempotency, 2 revision, 3 stream, 4 meta, 5 members, 6 files, 7 content, 8 hashes prefix, 9 names,
--       10 versions, 11 tags, 12 tag history, 13 staged prefix
-- ARGV: 1 group, 2 by, 3 at, 4 channel, then seven per file: name, file id, size, length of its hashes, '1' if they
--       are inline, the hashes, or else the stamp of the staged hashes that were checked, and the tree's JSON or ''
-- Answers { revision, files }. GROUP_NOT_FOUND, NOT_A_MEMBER, HASHES_NEEDED: the file's name. NAME_CONFLICT: that and, after a line feed, the
-- name in its way.
local answer = repeated()
if answer then return answer end
if groupMissing() then return refuse('GROUP_NOT_FOUND') end
if not roleOf(ARGV[2]) then return refuse('NOT_A_MEMBER', ARGV[2]) end

local function stagedKey(i)
  return KEYS[13] .. ARGV[i + 1] .. ':' .. ARGV[2]
end

-- Where the hashes of the file at ARGV[i] come from: 'published', 'inline', 'staged' or nil.
local function source(i)
  local fileId, length = ARGV[i + 1], tonumber(ARGV[i + 3])
  local published = KEYS[8] .. fileId
  if redis.call('EXISTS', published) == 1 and redis.call('STRLEN', published) == length then return 'published' end
  if length == 0 or (ARGV[i + 4] == '1' and #ARGV[i + 5] == length) then return 'inline' end
  local staged = stagedKey(i)
  if redis.call('STRLEN', staged) == length and redis.call('GET', staged .. ':stamp') == ARGV[i + 5] then
    return 'staged'
  end
  return nil
end

for i = 5, #ARGV, 7 do
  if not source(i) then return refuse('HASHES_NEEDED', ARGV[i]) end
end

-- A name is a file or a folder, never both. Names that are in the group stay, whatever is above or below them.
local added, folders, clear = {}, {}, {}
local function nameInTheWay(name)
  if folders[name] then return folders[name] end
  local slash = name:find('/', 1, true)
  while slash do
    local parent = name:sub(1, slash - 1)
    if not clear[parent] then
      if added[parent] or redis.call('HEXISTS', KEYS[6], parent) == 1 then return parent end
      clear[parent] = true
    end
    folders[parent] = folders[parent] or name
    slash = name:find('/', slash + 1, true)
  end
  local below = redis.call('ZRANGEBYLEX', KEYS[9], '[' .. name .. '/', '(' .. name .. '/\255', 'LIMIT', 0, 1)
  added[name] = true
  return below[1]
end

for i = 5, #ARGV, 7 do
  local name = ARGV[i]
  if redis.call('HEXISTS', KEYS[6], name) == 0 then
    local other = nameInTheWay(name)
    if other then return refuse('NAME_CONFLICT', name .. '\n' .. other) end
  end
end

local function keepHashes(i)
  local from, key = source(i), KEYS[8] .. ARGV[i + 1]
  if from == 'inline' then
    redis.call('SET', key, ARGV[i + 3] == '0' and '' or ARGV[i + 5])
  elseif from == 'staged' then
    redis.call('RENAME', stagedKey(i), key)
    redis.call('DEL', stagedKey(i) .. ':stamp')
  end
  redis.call('PERSIST', key)
end

local function publish(i)
  local name, fileId = ARGV[i], ARGV[i + 1]
  local json = redis.call('HGET', KEYS[6], name)
  local previous = json and cjson.decode(json)
  local tree = ARGV[i + 6] == '' and '' or ',"tree":' .. ARGV[i + 6]
  if previous and previous.fileId == fileId and (previous.tree == nil) == (tree == '') then return json end
  keepHashes(i)
  local record = string.format('{"name":%s,"fileId":"%s","size":%s,"version":%d,"uploader":%s,"added":%s%s}',
    quote(name), fileId, ARGV[i + 2], previous and previous.version + 1 or 1, quote(ARGV[2]), quote(ARGV[3]), tree)
  redis.call('HSET', KEYS[6], name, record)
  redis.call('HINCRBY', KEYS[7], fileId, 1)
  redis.call('ZADD', KEYS[9], 0, name)
  if previous then
    redis.call('ZADD', KEYS[10], 0, numbered(name, previous.version) .. json)
    dropUnkept(name, previous.version + 1 - VERSIONS_KEPT, previous.version + 1)
  end
  emit('"type":"file.published","file":' .. record)
  return record
end

local records = {}
for i = 5, #ARGV, 7 do records[#records + 1] = publish(i) end
return done(string.format('{"revision":%s,"files":[%s]}',
  redis.call('GET', KEYS[2]), table.concat(records, ',')))
