-- Apache 2.4 with mod_lua: asks Usher about a request, and either dresses it for the app or answers in the app's place.

local http = require "socket.http"
local ltn12 = require "ltn12"

local usher = "http://127.0.0.1:4180/forward-auth"
local auth_host = "auth.acme.example"
-- What the app gets. Set for every request, so that nothing a client sends under these names gets through.
local told = {
    "X-Usher-Person", "X-Usher-Email", "X-Usher-Name", "X-Usher-Organization", "X-Usher-Role", "X-Usher-Seat-Tier", "X-Usher-Assertion",
    "Cookie",
}
-- What decides: a proxy that sent all headers would send those of the body and of this connection too.
local sent = { "Cookie", "Accept", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "Origin", "Sec-WebSocket-Key", "User-Agent" }

function ask(r)
    -- Usher's own addresses. Apache routes by the one reading and sends the other, so both have to agree.
    if r.unparsed_uri:sub(1, 8) == "/.usher/" and r.uri:sub(1, 8) == "/.usher/" then return apache2.DECLINED end
    local headers = {
        ["Host"] = auth_host,
        ["X-Forwarded-For"] = r.useragent_ip,
        ["X-Forwarded-Host"] = r.headers_in["Host"],
        ["X-Forwarded-Method"] = r.method,
        ["X-Forwarded-Uri"] = r.unparsed_uri,
    }
    for _, name in ipairs(sent) do headers[name] = r.headers_in[name] end

    http.TIMEOUT = 10
    local body = {}
    local answered, status, answer = http.request { url = usher, headers = headers, redirect = false, sink = ltn12.sink.table(body) }
    -- Nothing but 2xx ever means yes, and no answer is no.
    if not answered or type(status) ~= "number" then return 503 end
    if status >= 200 and status <= 299 then
        -- A client could name our headers in it, and Apache would drop them on the way to the app.
        local connection = r.headers_in["Connection"]
        if connection then r.headers_in["Connection"] = connection:lower():find("close", 1, true) and "close" or nil end
        for _, name in ipairs(told) do
            local value = answer[name:lower()]
            r.headers_in[name] = nil
            if value and value ~= "" then r.headers_in[name] = value end
        end
        return apache2.OK
    end
    for _, name in ipairs { "Location", "Set-Cookie", "Cache-Control", "Content-Security-Policy", "Retry-After", "WWW-Authenticate" } do
        r.err_headers_out[name] = answer[name:lower()]
    end
    r.status = status
    r.content_type = answer["content-type"] or "text/plain"
    r:write(table.concat(body))
    return apache2.DONE
end
