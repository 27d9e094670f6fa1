// cuDNN's descriptors on the processor: attributes by number, as they were set.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

namespace cudnn_on_cpu {

constexpr int kBad = 2000;           // CUDNN_STATUS_BAD_PARAM
constexpr int kNotSupported = 3000;  // CUDNN_STATUS_NOT_SUPPORTED
constexpr int kNotReady = 1001;      // CUDNN_STATUS_NOT_INITIALIZED
constexpr std::int64_t kWorkspace = 4096;

// Of the environment: the number that variable has, or the other one.
long option(const char* name, long otherwise);

struct Value {
  int type;
  std::int64_t count;
  std::vector<char> bytes;
};
struct Descriptor {
  int kind = 0;
  bool final = false;
  std::map<int, Value> values;
  int place = 0;                      // of an engine among those that heuristics name
  const Descriptor* graph = nullptr;  // of an engine's configuration

  bool has(int name) const { return values.count(name) != 0; }
  template <typename T>
  T get(int name, std::size_t i = 0) const {
    T x;
    std::memcpy(&x, values.at(name).bytes.data() + i * sizeof(T), sizeof x);
    return x;
  }
  const Descriptor* part(int name, std::size_t i = 0) const {
    return has(name) ? static_cast<const Descriptor*>(get<void*>(name, i)) : nullptr;
  }
};

// ---- tensors ----

struct Shape {
  std::int64_t n[4], by[4];
};
Shape shape_of(const Descriptor& t);
std::int64_t id_of(const Descriptor& t);
int type_of(const Descriptor& t);
bool is_virtual(const Descriptor& t);
bool by_value(const Descriptor& t);

float float_of_bits(std::uint32_t bits);
// To what a number of that type holds; in f32 at least.
double rounded(int type, double x);

}  // namespace cudnn_on_cpu
