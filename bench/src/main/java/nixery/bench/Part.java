package nixery.bench;

import java.io.IOException;

/** One part of the benchmark. */
interface Part {

  /** Returns by what it is chosen on the command line, and called in the tables. */
  String name();

  /** Returns what it measures, in one line. */
  String summary();

  /** Measures. */
  void run(Bench bench) throws IOException;
}
