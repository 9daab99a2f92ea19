/** Counts the rows of a statement that are shown to nobody. */
import { InnerSink } from '../inner-sink.js';

export class CountingSink extends InnerSink {
  rows = 0;
  override columns(): void {
    this.rows = 0;
  }
  row(): void {
    this.rows++;
  }
}
/** For contexts in which nothing is sent. */
export const REFUSING = new CountingSink();
