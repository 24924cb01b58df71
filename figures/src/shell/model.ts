/** The model that a figure gets from its host: anywidget's in a notebook, the loader's on a page. */
export interface Model {
  get(key: string): any;
  set(key: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: any[]) => void): void;
  off(event: string, callback?: (...args: any[]) => void): void;
  send(content: unknown): void;
  /** The page's address with this figure's present state; undefined in a notebook. */
  link?(): string;
}

/** The message that asks the host for a file of weights, and the one that brings it. */
export interface FileRequest {
  ask: string;
}
export interface FileAnswer {
  file: string;
  error?: string;
}
