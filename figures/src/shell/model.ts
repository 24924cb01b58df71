/** What a figure needs of its host: anywidget's model in a notebook, the loader's on a page. */
export interface Model {
  get(key: string): any;
  set(key: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: any[]) => void): void;
  off(event: string, callback?: (...args: any[]) => void): void;
  send(content: unknown): void;
  /** Only on a page: its address with this figure's present state. */
  link?(): string;
}

/** The message that asks the host for a file of weights, and the one that brings it. */
export interface Asked {
  ask: string;
}
export interface Brought {
  file: string;
  error?: string;
}
