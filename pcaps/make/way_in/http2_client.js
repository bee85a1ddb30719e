// node http2_client.js URL NAME ROOT WHAT: three gRPC calls, or three WebSockets over HTTP/2 (RFC 8441), each with a
// poll instead if it is refused.
"use strict";
const http2 = require("node:http2");
const fs = require("node:fs");
const { setTimeout: after } = require("node:timers/promises");
const [url, name, root, what] = process.argv.slice(2);
const HUB = "/XPhoneConnect/webclientapi/hub";
const session = http2.connect(url, { ca: fs.readFileSync(root), servername: name });

function ask(headers, data, whole = true) {
  return new Promise((done, failed) => {
    const stream = session.request({ ":authority": name, ...headers }, { endStream: !data && whole });
    stream.on("response", (answer) => {
      if (!whole) done([stream, answer[":status"]]);
    });
    stream.on("error", failed);
    stream.resume();
    stream.on("end", () => done([stream, 0]));
    if (data) whole ? stream.end(data) : stream.write(data);
  });
}

async function main() {
  if (what === "websocket")
    await new Promise((done) => session.once("remoteSettings", done));
  for (let at = 0; at < 3; at++) {
    if (what === "grpc") {
      const headers = { ":method": "POST", ":path": "/c4b.Unified/SignIn", "content-type": "application/grpc", te: "trailers" };
      await ask(headers, Buffer.from([0, 0, 0, 0, 2, 8, 1]));
      continue;
    }
    await ask({ ":method": "POST", ":path": `${HUB}/negotiate?negotiateVersion=1` });
    const upgrade = { ":method": "CONNECT", ":protocol": "websocket", ":path": `${HUB}?id=token`, "sec-websocket-version": "13" };
    const [stream, status] = await ask(upgrade, null, false);
    if (status === 200) {
      stream.write(Buffer.from([0x81, 0x83, 1, 2, 3, 4, 0x7a, 0x7f, 0x1d]));
      await after(2500);
      stream.end(Buffer.from([0x88, 0x80, 1, 2, 3, 4]));
    } else {
      stream.close();
      await ask({ ":method": "GET", ":path": `${HUB}?id=token` });
      await after(300);
    }
  }
  session.close();
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
