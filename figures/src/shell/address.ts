/**
 * A figure's state in the page's address, after "#fig-4.1:": as one word, which "copy link" makes, or
 * readable as row=2&column=3, as a text writes it.
 *
 * A word is a letter and base64url of JSON: "z" if deflated, "j" where the browser cannot.
 */
type State = Record<string, unknown>;

/** The values that a trait may have: numbers in a range, one of a list, bytes in base64, arrays. */
export interface Limit {
  min?: number;
  max?: number;
  /** No fractions. */
  whole?: boolean;
  among?: unknown[];
  /** "" or so many bytes in base64. */
  bytes?: number;
  /** An array's possible lengths; without them, that of the first state. */
  lengths?: number[];
  /** Of an array's elements: the same for all, or one for each. */
  each?: Limit | Limit[];
}

const LONGEST = 1900; // characters of a word that mail and chat programs leave whole
const MOST = 200_000; // bytes that a word may unfold to
const PICTURE = 200; // characters of JSON, from which on a trait counts as a picture

/** What an address asks of a figure. */
export interface Asked {
  state: State;
  /** Whether the state is a word's, which holds all that differs from the first state. */
  whole: boolean;
  /** Whether it is a word that cannot be read. */
  damaged: boolean;
}

/** The part of the address that asks for a state of a figure; "" if none does. */
export function askedOf(number: string): string {
  let hash = location.hash.slice(1);
  try {
    hash = decodeURIComponent(hash);
  } catch {
    // Cut in the middle of a character: read as it is.
  }
  const [id, state = ""] = hash.split(/:(.*)/s);
  return id === `fig-${number}` ? state : "";
}

export async function read(asked: string): Promise<Asked> {
  const word = /^([zj][\w-]+)[.,;:!?)»”"'>\]]*$/.exec(asked); // with what a sentence put behind it
  if (!word) return { state: readable(asked), whole: false, damaged: false };
  try {
    return { state: await decode(word[1]), whole: true, damaged: false };
  } catch {
    return { state: {}, whole: true, damaged: true };
  }
}

function readable(asked: string): State {
  const found: State = {};
  for (const part of asked.split("&")) {
    const [key, value = ""] = part.split(/=(.*)/s);
    try {
      found[key] = JSON.parse(value);
    } catch {
      found[key] = value;
    }
  }
  return found;
}

/** Write a state as a word; without its pictures, and not `complete`, where they are too long for one. */
export async function write(state: State): Promise<{ word: string; complete: boolean }> {
  const word = await encode(state);
  if (word.length <= LONGEST) return { word, complete: true };
  const isPicture = ([key, value]: [string, unknown]) =>
    JSON.stringify(value).length > PICTURE || (key === "picture" && (value as number) < 0);
  const rest = Object.entries(state).filter((entry) => !isPicture(entry));
  return { word: rest.length ? await encode(Object.fromEntries(rest)) : "", complete: false };
}

async function encode(state: State): Promise<string> {
  if (!Object.keys(state).length) return "";
  const plain = new TextEncoder().encode(JSON.stringify(state));
  const packs = "CompressionStream" in globalThis;
  const bytes = packs ? await through(plain, new CompressionStream("deflate-raw")) : plain;
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return (packs ? "z" : "j") + text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function decode(word: string): Promise<State> {
  const text = atob(word.slice(1).replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const plain = word[0] === "z" ? await through(bytes, new DecompressionStream("deflate-raw")) : bytes;
  const state = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plain));
  if (!isObject(state)) throw new TypeError("not a state");
  return state;
}

/** Send bytes through a stream; throws a RangeError if more than MOST come out. */
async function through(bytes: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const reader = new Blob([bytes as BlobPart]).stream().pipeThrough<Uint8Array>(stream as any).getReader();
  const parts: Uint8Array[] = [];
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
    parts.push(value);
    size += value.length;
    if (size > MOST) {
      void reader.cancel();
      throw new RangeError("too long");
    }
  }
}

const isObject = (value: unknown): value is State => typeof value === "object" && value !== null && !Array.isArray(value);

/** Move a number into its limits; undefined for what is no finite number. */
function inside(value: unknown, { min = -Infinity, max = Infinity, whole }: Limit): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  const near = Math.max(min, Math.min(max, value as number));
  return whole ? Math.round(near) : near;
}

/** The value nearest to one that an address asks for, of the first value's kind; undefined if there is none. */
export function nearest(value: unknown, first: unknown, limit: Limit = {}): unknown {
  if (typeof first === "number" && !limit.among) return inside(value, limit);
  return fits(value, first, limit) ? value : undefined;
}

/** Whether a value is of the same kinds and nested lengths as the first one, and within the limits. */
export function fits(value: unknown, first: unknown, limit: Limit = {}): boolean {
  if (limit.among) return limit.among.includes(value);
  if (limit.bytes) return typeof value === "string" && (value === "" || bytesIn(value) === limit.bytes);
  if (limit.lengths || Array.isArray(first)) {
    const samples = Array.isArray(first) ? first : [];
    const { each = limit.lengths ? {} : limit } = limit;
    return (
      Array.isArray(value) &&
      (limit.lengths ?? [samples.length]).includes(value.length) &&
      value.every((part, i) => fits(part, samples[i] ?? samples[0] ?? 0, Array.isArray(each) ? each[i] : each))
    );
  }
  if (isObject(first)) {
    const keys = Object.keys(first);
    return isObject(value) && Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key) && fits(value[key], first[key], limit));
  }
  if (typeof first === "number") return typeof value === "number" && inside(value, limit) === value;
  return typeof value === typeof first;
}

function bytesIn(text: string): number {
  if (!/^[A-Za-z\d+/]*={0,2}$/.test(text)) return -1;
  try {
    return atob(text).length;
  } catch {
    return -1;
  }
}
