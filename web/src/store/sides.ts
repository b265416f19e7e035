// Who does what a row is about, as its kind is declared. A kind that the page does not know is the world's.
import { declared } from "../api/declared";
import type { Row, Side } from "../api/types";

export const sideOf = (row: Row): Side => declared.rows[row.kind as keyof typeof declared.rows]?.side ?? "world";
