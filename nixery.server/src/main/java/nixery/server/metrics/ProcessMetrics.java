package nixery.server.metrics;

import com.sun.management.UnixOperatingSystemMXBean;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Unit;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.lang.management.RuntimeMXBean;
import java.lang.management.ThreadMXBean;
import java.util.function.DoubleSupplier;
import java.util.function.ToLongFunction;

/**
 * What the JVM and the operating system say of the process, under the <a
 * href="https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics">names that
 * all clients of Prometheus use</a>. It is asked when the metrics are read.
 */
final class ProcessMetrics {

  private ProcessMetrics() {}

  static void register(PrometheusRegistry registry) {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    memory(registry, "jvm_memory_used", "Memory in use", memory, MemoryUsage::getUsed);
    memory(registry, "jvm_memory_committed", "Memory set aside", memory, MemoryUsage::getCommitted);
    memory(registry, "jvm_memory_max", "Most memory, or -1 for any", memory, MemoryUsage::getMax);

    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    gauge(registry, "jvm_threads_current", "Threads, not virtual ones", threads::getThreadCount);

    RuntimeMXBean runtime = ManagementFactory.getRuntimeMXBean();
    GaugeWithCallback.builder()
        .name("process_start_time")
        .unit(Unit.SECONDS)
        .help("Start of the process, since the epoch")
        .callback(value -> value.call(Unit.millisToSeconds(runtime.getStartTime())))
        .register(registry);
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix) {
      CounterWithCallback.builder()
          .name("process_cpu")
          .unit(Unit.SECONDS)
          .help("CPU time of the process, without Nix's processes")
          .callback(value -> value.call(Unit.nanosToSeconds(unix.getProcessCpuTime())))
          .register(registry);
      gauge(registry, "process_open_fds", "Open files", unix::getOpenFileDescriptorCount);
      gauge(registry, "process_max_fds", "Most open files", unix::getMaxFileDescriptorCount);
    }
  }

  private static void gauge(
      PrometheusRegistry registry, String name, String help, DoubleSupplier value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.getAsDouble()))
        .register(registry);
  }

  private static void memory(
      PrometheusRegistry registry,
      String name,
      String help,
      MemoryMXBean memory,
      ToLongFunction<MemoryUsage> value) {
    GaugeWithCallback.builder()
        .name(name)
        .unit(Unit.BYTES)
        .help(help)
        .labelNames("area")
        .callback(callback -> {
          callback.call((double) value.applyAsLong(memory.getHeapMemoryUsage()), "heap");
          callback.call((double) value.applyAsLong(memory.getNonHeapMemoryUsage()), "nonheap");
        })
        .register(registry);
  }
}
