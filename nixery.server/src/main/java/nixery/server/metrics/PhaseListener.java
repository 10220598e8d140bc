package nixery.server.metrics;

/** Is told which phases a thread enters. */
@FunctionalInterface
public interface PhaseListener {

  /**
   * Is called by the thread that enters a phase.
   *
   * @param phase which
   */
  void entered(Phase phase);
}
