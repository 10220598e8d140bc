package nixery.image;

/** The strategies to choose from. docs/layering.md compares them. */
public enum Layering {
  /** {@link BigPathsStrategy}, which shares most. */
  BIG_PATHS,
  /** {@link AutoLayerStrategy}. */
  AUTO_LAYER,
  /** {@link DominatorTreeStrategy}. */
  DOMINATOR_TREE;

  /** Returns the strategy. */
  public LayeringStrategy strategy() {
    return switch (this) {
      case BIG_PATHS -> new BigPathsStrategy();
      case AUTO_LAYER -> new AutoLayerStrategy();
      case DOMINATOR_TREE -> new DominatorTreeStrategy();
    };
  }
}
