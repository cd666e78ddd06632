-- POST to 1000 counters in turn. Each thread of wrk has counters of its own, so that no two requests add to one at once.
local threads = 0

function setup(thread)
   thread:set("first", threads)
   threads = threads + 1
end

function init()
   requests = {}
   for counter = first, 999, 2 do
      requests[#requests + 1] = wrk.format("POST", "/counter-" .. counter)
   end
   turn = 0
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end
