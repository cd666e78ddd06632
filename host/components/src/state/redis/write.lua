-- Writes items: all or none, or each on its own.
--
-- KEYS has their keys; ARGV `all` or `each`, and then five words for each key: the condition (`any`, `absent` or `=VERSION`),
-- `set` or `delete`, the TTL in seconds (0: none), the content type (empty: none) and the value. Answers the numbers of those
-- whose condition does not hold; with `all`, of the first one, and then nothing was written. A document of RedisJSON is an error,
-- since replacing it would lose an item of daprd's; deleting without a condition does not look at what it deletes.

-- Whether something is there, its version and content type if it is an item, and whether it is no hash; or the error. What is
-- a hash or nothing needs one command, and is most often asked for.
local function look_at(i, key)
  local fields = redis.pcall('HMGET', key, 'version', 'content-type')
  if not fields.err then
    return { there = fields[1], version = fields[1], about = fields[2] }
  end
  if not string.find(fields.err, '^WRONGTYPE') then
    return fields
  end
  local version, kind = false, redis.call('TYPE', key).ok
  if kind == 'ReJSON-RL' then
    return { err = 'NOITEM ' .. i .. ' ' .. kind }
  end
  if kind == 'string' then
    version = 'sha1-' .. redis.sha1hex(redis.call('GET', key))
  end
  return { there = true, version = version, other = true }
end

-- First everything that could fail, then everything that changes: Redis undoes nothing.
local found, failed = {}, {}
for i, key in ipairs(KEYS) do
  local condition = ARGV[5 * i - 3]
  if condition == 'any' and ARGV[5 * i - 2] == 'delete' then
    found[i] = {}
  else
    local item = look_at(i, key)
    if item.err then
      return item
    end
    found[i] = item
    local version = item.version
    if not (condition == 'any' or condition == 'absent' and not item.there or version and condition == '=' .. version) then
      if ARGV[1] == 'all' then
        return { i }
      end
      failed[#failed + 1] = i
      found[i] = nil
    end
  end
end

local time = redis.call('TIME')
local seconds, micros = tonumber(time[1]), tonumber(time[2])

-- The clock in microseconds, and always more than the version before: so no version of a key comes back, also not after it
-- was deleted, for which daprd begins at 1 again. Below 2^53, so that Lua counts exactly and daprd counts on.
local function next_version(version)
  local before = version and #version < 17 and string.match(version, '^%d+$') and tonumber(version) or 0
  return string.format('%.0f', math.max(seconds * 1000000 + micros, before + 1))
end

local written = false

-- Changes something, and answers the error if Redis refuses. Memory that is full and a server that takes no writes are
-- found by the first change, and a script that has changed something is let through to its end.
local function change(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    return written and redis.error_reply('PARTLY ' .. reply.err) or reply
  end
  written = true
end

local function set(i, key)
  local ttl, about, value = tonumber(ARGV[5 * i - 1]), ARGV[5 * i], ARGV[5 * i + 1]
  local item = found[i]
  if item.other then
    local refused = change('DEL', key)
    if refused then
      return refused
    end
  end
  local next = next_version(not item.other and item.version)
  local refused
  if about ~= '' then
    refused = change('HSET', key, 'data', value, 'version', next, 'content-type', next .. ' ' .. about)
  else
    refused = change('HSET', key, 'data', value, 'version', next)
    if not refused and item.about then
      refused = change('HDEL', key, 'content-type')
    end
  end
  if refused then
    return refused
  end
  if ttl > 0 then
    -- At a whole second, rounded up: an item lives at least its TTL, and less than a second more.
    return change('EXPIREAT', key, seconds + ttl + (micros > 0 and 1 or 0))
  end
  -- Also where nothing was there: to know that would need another command.
  return change('PERSIST', key)
end

for i, key in ipairs(KEYS) do
  if found[i] then
    local refused
    if ARGV[5 * i - 2] == 'delete' then
      refused = change('DEL', key)
    else
      refused = set(i, key)
    end
    if refused then
      return refused
    end
  end
end
return failed
