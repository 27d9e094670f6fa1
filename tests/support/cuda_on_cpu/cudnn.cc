// The part of cuDNN's graphs that backends/cuda describes, on the processor: it takes the operations for what
// they say, one after the other, with every number between them in memory, and is stricter than cuDNN in what
// it accepts. It shows that the description computes attention; not that cuDNN has an engine for it.
// LQ_CPU_CUDNN: its version (91002; 0: there is none). LQ_CPU_CUDNN_FAULT: 1: no plan is built for backward;
// 2: a mask's "at least" is taken for "more"; 3: nothing runs.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>

#include "cudnn_rules.h"
#include "cudnn_run.h"

#define LQ_ON_CPU __attribute__((visibility("default")))

extern "C" void* lq_cpu_card_open();
extern "C" void lq_cpu_card_close(void* opened);
extern "C" bool lq_cpu_card_record(void* stream, std::function<void()>* work);

namespace {

using namespace cudnn_on_cpu;

struct Handle {
  void* stream = nullptr;
};

}  // namespace

extern "C" {

LQ_ON_CPU std::size_t cudnnGetVersion() { return static_cast<std::size_t>(option("LQ_CPU_CUDNN", 91002)); }
LQ_ON_CPU int cudnnCreate(void** handle) {
  *handle = new Handle;
  return 0;
}
LQ_ON_CPU int cudnnDestroy(void* handle) {
  delete static_cast<Handle*>(handle);
  return 0;
}
LQ_ON_CPU int cudnnSetStream(void* handle, void* stream) {
  static_cast<Handle*>(handle)->stream = stream;
  return 0;
}

LQ_ON_CPU int cudnnBackendCreateDescriptor(int kind, void** descriptor) {
  if (rules().count(kind) == 0) return kNotSupported;
  auto* const d = new Descriptor;
  d->kind = kind;
  alive.insert(d);
  *descriptor = d;
  return 0;
}
LQ_ON_CPU int cudnnBackendDestroyDescriptor(void* descriptor) {
  auto* const d = static_cast<Descriptor*>(descriptor);
  if (alive.erase(d) == 0) return kBad;
  delete d;
  return 0;
}

LQ_ON_CPU int cudnnBackendSetAttribute(void* descriptor, int name, int type, std::int64_t count,
                                       const void* values) {
  auto& d = *static_cast<Descriptor*>(descriptor);
  if (d.final) return kBad;
  for (const Rule& r : rules().at(d.kind)) {
    if (r.name != name) continue;
    if (r.type != type || (r.count >= 0 ? count != r.count : count < 1)) return kBad;
    const auto* const bytes = static_cast<const char*>(values);
    d.values[name] = {type, count, {bytes, bytes + count * size_of(type)}};
    return 0;
  }
  return kBad;
}

LQ_ON_CPU int cudnnBackendFinalize(void* descriptor) {
  return finalize(*static_cast<Descriptor*>(descriptor));
}

LQ_ON_CPU int cudnnBackendGetAttribute(const void* descriptor, int name, int type, std::int64_t room,
                                       std::int64_t* count, void* values) {
  const auto& d = *static_cast<const Descriptor*>(descriptor);
  if (!d.final) return kNotReady;
  if (d.kind == 4 && name == 202 && type == 15) {
    constexpr std::int64_t kEngines = 3;
    *count = room == 0 ? kEngines : std::min(room, kEngines);
    for (std::int64_t i = 0; room > 0 && i < *count; ++i) {
      auto& config = *static_cast<Descriptor**>(values)[i];
      if (config.kind != 3) return kBad;
      config.graph = d.part(201);
      config.place = static_cast<int>(i);
      config.final = true;
    }
    return 0;
  }
  if (d.kind == 3 && name == 300 && type == 15 && room == 1) {
    auto& engine = **static_cast<Descriptor**>(values);
    engine.place = d.place;
    engine.final = engine.kind == 2;
    *count = 1;
    return engine.final ? 0 : kBad;
  }
  if (d.kind == 2 && name == 1303 && type == 11 && room >= 2) {
    static_cast<int*>(values)[0] = 0;
    static_cast<int*>(values)[1] = 4;
    *count = d.place == 1 ? 2 : 1;
    return 0;
  }
  if (d.kind == 5 && name == 402 && type == 3 && room == 1) {
    *static_cast<std::int64_t*>(values) = kWorkspace;
    *count = 1;
    return 0;
  }
  return kBad;
}

LQ_ON_CPU int cudnnBackendExecute(void* handle, void* plan, void* variant_pack) {
  if (handle == nullptr) return kBad;
  const auto& p = *static_cast<const Descriptor*>(plan);
  const auto& pack = *static_cast<const Descriptor*>(variant_pack);
  if (option("LQ_CPU_CUDNN_FAULT", 0) == 3 || p.kind != 5 || !p.final || pack.kind != 16 || !pack.final)
    return kBad;
  // As a captured stream has them: the operands' places as they are now. The plan outlives its graphs.
  auto status = std::make_shared<int>(0);
  std::function<void()> work = [status, &graph = *p.part(401)->graph, pack = pack] {
    void* const opened = lq_cpu_card_open();
    std::memset(pack.get<char*>(1003), 0x5a, kWorkspace);
    *status = Run(graph, pack)();
    lq_cpu_card_close(opened);
  };
  if (!lq_cpu_card_record(static_cast<Handle*>(handle)->stream, &work)) work();
  return *status;
}
}
