// Device memory: each allocation ends at the end of its pages, and the page behind is never there.
#include "runtime_memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "runtime_streams.h"

namespace cuda_on_cpu {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlign = 256;
constexpr std::size_t kPoisoned = std::size_t{1} << 20;

struct Allocation {
  char* pages = nullptr;
  std::size_t mapped = 0;
  std::size_t size = 0;
};

std::map<char*, Allocation> allocations;
std::size_t used = 0;
int open = 0;

void protect(int how) {
  for (const auto& [address, a] : allocations) mprotect(a.pages, a.mapped, how);
}

}  // namespace

Opened::Opened() {
  if (open++ == 0) protect(PROT_READ | PROT_WRITE);
}
Opened::~Opened() {
  if (--open == 0) protect(PROT_NONE);
}

// For cublas.cc and cudnn.cc: device memory may be touched while this lives.
extern "C" LQ_ON_CPU void* lq_cpu_card_open() { return new Opened; }
extern "C" LQ_ON_CPU void lq_cpu_card_close(void* opened) { delete static_cast<Opened*>(opened); }

}  // namespace cuda_on_cpu

namespace {

using namespace cuda_on_cpu;

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** bytes, std::size_t size) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  const std::lock_guard<std::recursive_mutex> lock(card.mutex);
  if (lost()) return failed(cudaErrorIllegalAddress);
  const std::size_t rounded = (size + kAlign - 1) / kAlign * kAlign;
  if (used + rounded > total_bytes()) return failed(cudaErrorMemoryAllocation);
  const std::size_t mapped = (rounded + kPage - 1) / kPage * kPage;
  void* const pages = mmap(nullptr, mapped + kPage, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return failed(cudaErrorMemoryAllocation);
  auto* const begin = static_cast<char*>(pages);
  if (rounded <= kPoisoned) std::memset(begin, 0xff, mapped);  // pages never touched cost nothing
  mprotect(begin + mapped, kPage, PROT_NONE);
  if (open == 0) mprotect(begin, mapped, PROT_NONE);
  char* const at = begin + mapped - rounded;
  allocations[at] = {begin, mapped, rounded};
  used += rounded;
  *bytes = at;
  return cudaSuccess;
}

cudaError_t cudaFree(void* bytes) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  const std::lock_guard<std::recursive_mutex> lock(card.mutex);
  if (bytes == nullptr)
    return setting("LQ_CPU_CARD_TAKEN", 0) != 0 ? failed(cudaErrorDevicesUnavailable) : cudaSuccess;
  const auto it = allocations.find(static_cast<char*>(bytes));
  if (it == allocations.end()) stop("memory was given back that is not there");
  munmap(it->second.pages, it->second.mapped + kPage);
  used -= it->second.size;
  allocations.erase(it);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** bytes, std::size_t size) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  *bytes = std::malloc(size);
  return *bytes == nullptr ? failed(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaFreeHost(void* bytes) {
  if (refused_in_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  std::free(bytes);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const std::lock_guard<std::recursive_mutex> lock(card.mutex);
  *total = total_bytes();
  *free = *total - used;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (capturing(stream))
    return record(stream, [=] { return cudaMemcpyAsync(to, from, size, kind, nullptr); });
  Opened opened;
  if (lost()) return failed(cudaErrorIllegalAddress);
  // The side that must be a card's memory lies in one allocation.
  const auto on_card = [&](const void* p) {
    auto* const at = const_cast<char*>(static_cast<const char*>(p));
    auto it = allocations.upper_bound(at);
    if (it == allocations.begin()) return false;
    --it;
    return at + size <= it->first + it->second.size;
  };
  const bool to_card = kind != cudaMemcpyDeviceToHost;
  const bool from_card = kind != cudaMemcpyHostToDevice;
  if (size > 0 && (on_card(to) != to_card || on_card(from) != from_card))
    return failed(cudaErrorInvalidValue);
  std::memmove(to, from, size);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t size, cudaStream_t stream) {
  if (capturing(stream)) return record(stream, [=] { return cudaMemsetAsync(to, value, size, nullptr); });
  Opened opened;
  if (lost()) return failed(cudaErrorIllegalAddress);
  std::memset(to, value, size);
  return cudaSuccess;
}
}
