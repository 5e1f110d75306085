package lambent.runtime;

/** What is wrong with a function before its handler runs. A fatal one ends the environment. */
final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Name of the class of the error behind it, or null. */
    final String kind;

    final boolean fatal;

    Fault(String message, Throwable cause, boolean fatal) {
        super(message, cause);
        this.kind = cause == null ? null : cause.getClass().getName();
        this.fatal = fatal;
    }

    /** A fault that is nothing but an error of the function's. */
    static Fault of(Throwable error, boolean fatal) {
        return new Fault(Errors.message(error), error, fatal);
    }
}
