// node http2_server.js ADDRESS PORT WHAT [CERTIFICATE]: gRPC, or a SignalR hub that accepts or refuses WebSockets
// over HTTP/2 (RFC 8441).
"use strict";
const http2 = require("node:http2");
const fs = require("node:fs");
const [address, port, what, certificate] = process.argv.slice(2);
const settings = { enableConnectProtocol: true };
const pem = certificate ? fs.readFileSync(certificate) : null;
const server = pem
  ? http2.createSecureServer({ key: pem, cert: pem, settings })
  : http2.createServer({ settings });
const answer = JSON.stringify({
  negotiateVersion: 1,
  connectionToken: "token",
  availableTransports: ["WebSockets", "LongPolling"].map((each) => ({ transport: each, transferFormats: ["Text"] })),
});
server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  if (what === "grpc") {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  } else if (headers[":method"] === "CONNECT") {
    stream.respond({ ":status": what === "refused" ? 501 : 200 }, { endStream: what === "refused" });
    stream.on("data", (data) => stream.write(Buffer.from([0x81, 3, 0x7b, 0x7d, 0x1e])));
    stream.on("end", () => stream.end());
  } else {
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(headers[":path"].includes("/negotiate") ? answer : "");
  }
});
server.on("session", (session) => session.on("error", () => {}));
server.listen(Number(port), address, () => console.log("listens"));
