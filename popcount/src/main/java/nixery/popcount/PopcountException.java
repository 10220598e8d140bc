package nixery.popcount;

/** Says in one sentence why there is no result. */
class PopcountException extends RuntimeException {

  private static final long serialVersionUID = 1;

  PopcountException(String message) {
    super(message);
  }

  PopcountException(String message, Throwable cause) {
    super(message, cause);
  }
}
