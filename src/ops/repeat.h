// Work that is done again and again with the same sizes (backends/cuda/repeat.h says how a CUDA device takes
// it).
#pragma once

#include <memory>

#include "backends/cuda/repeat.h"
#include "tensor/context.h"

namespace lq {

using backends::cuda::RepeatedWork;

// Which work it is: the first part of its key.
enum class Repeated : std::uint64_t { kCachedPass, kTrainingPass, kGradientNorm, kUpdate };

// Further parts: an address, or a number's bits.
inline std::uint64_t key_of(Repeated work) { return static_cast<std::uint64_t>(work); }
inline std::uint64_t key_of(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }
std::uint64_t key_of(float x);
// What a context changes about the work.
std::uint64_t key_of(const Context& ctx);

// work(prepare()), of which a device may leave out the host's part where it did the same before. Throws
// Error(kInterrupted) before it begins where that was asked. REQUIRES: the context's device is not the
// processor.
void repeat(Context& ctx, const RepeatedWork& what, FunctionRef<std::shared_ptr<const void>()> prepare,
            FunctionRef<void(const void*)> work);

}  // namespace lq
