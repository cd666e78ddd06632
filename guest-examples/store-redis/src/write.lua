-- Does all operations or none, which is what a script is for: Redis does nothing else meanwhile.
--
-- KEYS has a key for each, ARGV five words: the condition (`any`, `absent` or `=VERSION`), `set` or `delete`, the TTL in
-- seconds (0: none), the content type, the value. Answers 0, or the number of the operation whose condition does not hold.

-- The version of an item; false where there is none, or something that is no item.
local function version_of(key)
  if redis.call('TYPE', key).ok ~= 'hash' then
    return false
  end
  local version = redis.call('HGET', key, 'version')
  return version and #version < 19 and string.match(version, '^%d+$') or false
end

-- First all that could fail, then all that changes.
local versions = {}
for i, key in ipairs(KEYS) do
  local condition, version = ARGV[5 * i - 4], version_of(key)
  local holds = condition == 'any' or condition == 'absent' and not version or version and condition == '=' .. version
  if not holds then
    return i
  end
  versions[i] = version
end

local now = redis.call('TIME')
local seconds, micros = tonumber(now[1]), tonumber(now[2])

for i, key in ipairs(KEYS) do
  local action, ttl, kind, value = ARGV[5 * i - 3], tonumber(ARGV[5 * i - 2]), ARGV[5 * i - 1], ARGV[5 * i]
  if action == 'delete' then
    redis.call('DEL', key)
  else
    if versions[i] then
      redis.call('HINCRBY', key, 'version', 1)
    else
      -- daprd begins at 1, and so would give an etag a second time when an item is written anew. The clock does not come
      -- back, and is ahead of what counts the writes of an item.
      redis.call('DEL', key)
      redis.call('HSET', key, 'version', string.format('%.0f', seconds * 1000000 + micros))
    end
    redis.call('HSET', key, 'data', value)
    local ends = 0
    if ttl > 0 then
      -- At a whole second, rounded up: an item lives at least its TTL, and less than a second more.
      ends = seconds + ttl + (micros > 0 and 1 or 0)
      redis.call('EXPIREAT', key, ends)
    else
      redis.call('PERSIST', key)
    end
    if ends > 0 or kind ~= '' then
      local about = string.format('%s %.0f %s', redis.call('HGET', key, 'version'), ends, kind)
      redis.call('HSET', key, 'dapr-wasm', about)
    else
      redis.call('HDEL', key, 'dapr-wasm')
    end
  end
end
return 0
