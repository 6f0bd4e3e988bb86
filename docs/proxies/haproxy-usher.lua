-- HAProxy 2.6 and newer: asks Usher about a request, and either dresses it for the app or answers in the app's place.

local usher = "http://127.0.0.1:4180/forward-auth"
local auth_host = "auth.acme.example"
-- What the app gets. Set for every request, so that nothing a client sends under these names gets through.
local told = {
    "X-Usher-Person", "X-Usher-Email", "X-Usher-Name", "X-Usher-Organization", "X-Usher-Role", "X-Usher-Seat-Tier", "X-Usher-Assertion",
    "Cookie",
}
-- Of one connection or of a body, which the question does not have.
local left_out = {
    ["host"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["connection"] = true, ["keep-alive"] = true, ["upgrade"] = true,
    ["expect"] = true, ["te"] = true, ["trailer"] = true, ["x-forwarded-for"] = true, ["x-forwarded-host"] = true, ["x-forwarded-uri"] = true,
    ["x-forwarded-method"] = true,
}

local function lines(values)
    local list = {}
    local index = 0
    while values[index] ~= nil do
        list[#list + 1] = values[index]
        index = index + 1
    end
    return list
end

local function question(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not left_out[name] then headers[name] = lines(values) end
    end
    headers["host"] = { auth_host }
    headers["x-forwarded-for"] = { txn.sf:src() }
    headers["x-forwarded-host"] = { txn.sf:req_hdr("host") }
    headers["x-forwarded-method"] = { txn.sf:method() }
    headers["x-forwarded-uri"] = { txn.sf:pathq() }
    return headers
end

local function refuse(txn, status, headers, body)
    local reply = txn:reply { status = status }
    for name, values in pairs(headers or {}) do
        if name ~= "content-length" and name ~= "transfer-encoding" and name ~= "connection" then
            for _, value in ipairs(lines(values)) do reply:add_header(name, value) end
        end
    end
    reply:set_body(body or "")
    txn:done(reply)
end

core.register_action("usher", { "http-req" }, function(txn)
    local answered, answer = pcall(function() return core.httpclient():get { url = usher, headers = question(txn), timeout = 10000 } end)
    -- Nothing but 2xx ever means yes, and no answer is no.
    if not answered or not answer or not answer.status or answer.status < 100 then return refuse(txn, 503) end
    if answer.status < 200 or answer.status > 299 then return refuse(txn, answer.status, answer.headers, answer.body) end
    for _, name in ipairs(told) do
        local values = answer.headers[name:lower()]
        local value = values and values[0] or ""
        txn.http:req_del_header(name)
        if value ~= "" then txn.http:req_set_header(name, value) end
    end
end)
