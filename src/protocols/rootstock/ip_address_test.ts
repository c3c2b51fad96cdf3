import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { addressKind, endpointKey, networkRange, parseIpAddress } from "./ip_address.ts";

const textOf = (text: string) => parseIpAddress(text)?.text;

Deno.test("parseIpAddress() gives every spelling of an address the same text", () => {
  for (
    const [text, canonical] of [
      ["192.0.2.1", "192.0.2.1"],
      ["0:0:0:0:0:0:0:1", "::1"],
      ["::", "::"],
      ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["1::", "1::"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["::ffff:c000:201", "192.0.2.1"],
      ["0:0:0:0:0:ffff:7f00:1", "127.0.0.1"],
    ] as const
  ) assert.equal(textOf(text), canonical, text);
});

Deno.test("parseIpAddress() refuses names, zones, short and overlong forms", () => {
  for (
    const text of [
      "",
      "localhost",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "256.1.1.1",
      "1.2.3.4 ",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "fe80::1%eth0",
      "[::1]",
      "::1.2.3",
      "12345::",
    ]
  ) assert.equal(parseIpAddress(text), undefined, text);
});

Deno.test("parseIpAddress() takes what node:net takes, and its text is its own spelling", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
    assert.notEqual(isIP(text), 0);
    const canonical = textOf(text) ?? assert.fail(text);
    assert.equal(textOf(canonical), canonical);
    assert.notEqual(isIP(canonical), 0);
    if (!text.includes(".")) assert.equal(`[${canonical}]`, new URL(`http://[${text}]/`).hostname);
  }));
});

Deno.test("addressKind() tells loopback, private, public and unusable addresses apart", () => {
  const kinds = {
    loopback: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"],
    private: [
      "10.1.1.1",
      "172.16.0.1",
      "172.31.0.1",
      "192.168.1.1",
      "169.254.1.1",
      "100.64.0.1",
      "fd00::1",
      "fe80::1",
    ],
    public: ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1"],
    unusable: ["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "ff02::1"],
  };
  for (const [kind, texts] of Object.entries(kinds)) {
    for (const text of texts) assert.equal(addressKind(parseIpAddress(text)!), kind, text);
  }
});

Deno.test("networkRange() keeps the leading bits", () => {
  const range = (text: string, v4: number, v6: number) => networkRange(parseIpAddress(text)!, { v4, v6 });
  assert.equal(range("192.0.2.77", 24, 48), "192.0.2.0/24");
  assert.equal(range("192.0.130.77", 17, 48), "192.0.128.0/17");
  assert.equal(range("192.0.2.77", 0, 48), "0.0.0.0/0");
  assert.equal(range("2001:db8:1:2::3", 24, 48), "2001:db8:1::/48");
  assert.equal(range("2001:db8:1:2::3", 24, 128), "2001:db8:1:2::3/128");
});

Deno.test("endpointKey() puts IPv6 in brackets", () => {
  assert.equal(endpointKey("192.0.2.1", 5050), "192.0.2.1:5050");
  assert.equal(endpointKey("::1", 5050), "[::1]:5050");
});
