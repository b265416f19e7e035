// One server-sent-events stream feeds the whole page. The browser resumes it with the last id by itself;
// only a stream that the server ended for good is opened anew here.
import { BASE } from "../api/client";

export interface StreamHandlers {
  opened(): void;
  lost(): void;
  event(name: string, data: unknown): void;
}

const NAMES = ["row", "chat", "clock", "dev", "accounts", "users", "reset", "gap"] as const;

export function openStream(handlers: StreamHandlers): () => void {
  let source: EventSource | null = null;
  let again: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const connect = () => {
    source = new EventSource(`${BASE}/timeline/stream`);
    source.onopen = () => handlers.opened();
    source.onerror = () => {
      handlers.lost();
      if (source?.readyState === EventSource.CLOSED && !closed) {
        clearTimeout(again);
        again = setTimeout(connect, 1_000);
      }
    };
    for (const name of NAMES) {
      source.addEventListener(name, (message) => {
        try {
          handlers.event(name, JSON.parse((message as MessageEvent<string>).data || "null"));
        } catch {
          // A frame that is no JSON tells nothing; the next snapshot brings what it meant.
        }
      });
    }
  };
  connect();
  return () => {
    closed = true;
    clearTimeout(again);
    source?.close();
  };
}
