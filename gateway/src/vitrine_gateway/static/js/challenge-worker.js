// Finds the number whose SHA-256 behind the salt is the challenge. Written out, because the browser's own digest is
// asynchronous, and is missing on pages without TLS.
"use strict";

const K = new Uint32Array(64);
const START = new Uint32Array(8);
{
  let found = 0;
  for (let n = 2; found < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (found < 8) START[found] = (Math.sqrt(n) % 1) * 2 ** 32;
    K[found] = (Math.cbrt(n) % 1) * 2 ** 32;
    found += 1;
  }
}

const w = new Uint32Array(64);
const compress = (state, block, offset) => {
  for (let i = 0; i < 16; i += 1) w[i] = block.getUint32(offset + i * 4);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15], y = w[i - 2];
    w[i] = w[i - 16] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
      + w[i - 7] + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const one = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + w[i] | 0;
    const two = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
    h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
};

// The salt's whole blocks are the same for every number: they are digested once.
const solve = ({ salt, challenge, maxnumber }) => {
  const text = new TextEncoder().encode(salt);
  const whole = text.length - text.length % 64;
  const begun = Uint32Array.from(START);
  const view = new DataView(text.buffer);
  for (let offset = 0; offset < whole; offset += 64) compress(begun, view, offset);
  const rest = text.subarray(whole);
  const wanted = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => parseInt(challenge.slice(i * 8, i * 8 + 8), 16));
  const tail = new Uint8Array(128);
  const blocks = new DataView(tail.buffer);
  const state = new Uint32Array(8);
  for (let number = 0; number <= maxnumber; number += 1) {
    const digits = String(number);
    const length = rest.length + digits.length;
    const size = length + 9 > 64 ? 128 : 64;
    tail.fill(0);
    tail.set(rest);
    for (let i = 0; i < digits.length; i += 1) tail[rest.length + i] = digits.charCodeAt(i);
    tail[length] = 0x80;
    blocks.setUint32(size - 4, (whole + length) * 8);
    state.set(begun);
    for (let offset = 0; offset < size; offset += 64) compress(state, blocks, offset);
    if (state[0] === wanted[0] && state.every((part, i) => part === wanted[i])) return number;
  }
  return null;
};

self.addEventListener("message", (event) => self.postMessage({ number: solve(event.data) }));
