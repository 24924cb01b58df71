/** The model that a figure gets from its host: anywidget's in a notebook, the loader's on a page. */
export interface Model {
  get(key: string): any;
  set(key: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: any[]) => void): void;
  off(event: string, callback?: (...args: any[]) => void): void;
  send(content: unknown): void;
  /** On a page alone; it emits "address" when the address has changed the state. */
  address?: Address;
}

/** What a page's address has to do with a figure. */
export interface Address {
  /** The state without the address. */
  readonly first: Record<string, unknown>;
  /** The traits that the address has set, in words. */
  asked: string[];
  /** A sentence about what the address asks for in vain; "" if nothing. */
  notice: string;
  /** Write the present state into the address, if need be without pictures. */
  link(): Promise<Link>;
  /** Take this figure out of the address. */
  clear(): void;
}

export interface Link {
  href: string;
  /** False: the pictures are too large for an address. */
  complete: boolean;
}

/** The message that asks the host for a file of weights, and the one that brings it. */
export interface FileRequest {
  ask: string;
}
export interface FileAnswer {
  file: string;
  error?: string;
}
