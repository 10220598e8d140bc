package nixery.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;

/** Looks for fields that Kubernetes does not know, which the client keeps apart. */
final class Fields {

  private Fields() {}

  static void assertKnown(Object object) {
    assertKnown(object, object.getClass().getSimpleName());
  }

  private static void assertKnown(Object value, String where) {
    switch (value) {
      case null -> {}
      case List<?> list -> {
        for (int i = 0; i < list.size(); i++) {
          assertKnown(list.get(i), where + "[" + i + "]");
        }
      }
      case Map<?, ?> map -> map.forEach((key, each) -> assertKnown(each, where + "." + key));
      case Object object when object.getClass().getName().startsWith("io.fabric8.") ->
          assertKnownFields(object, where);
      default -> {}
    }
  }

  private static void assertKnownFields(Object object, String where) {
    for (Method method : object.getClass().getMethods()) {
      if (method.getParameterCount() > 0 || !method.getName().startsWith("get")) {
        continue;
      }
      try {
        Object value = method.invoke(object);
        if (method.getName().equals("getAdditionalProperties")) {
          assertThat((Map<?, ?>) value).as("unknown fields of %s", where).isEmpty();
        } else {
          assertKnown(value, where + "." + method.getName().substring(3));
        }
      } catch (ReflectiveOperationException e) {
        throw new LinkageError("cannot read " + where, e);
      }
    }
  }
}
