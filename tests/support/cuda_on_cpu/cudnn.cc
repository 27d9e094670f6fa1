// The part of cuDNN's graphs that backends/cuda describes, on the processor: it takes the operations for what
// they say, one after the other, with every number between them in memory, and is stricter than cuDNN in what
// it accepts. It shows that the description computes attention; not that cuDNN has an engine for it.
// LQ_CPU_CUDNN: its version (91002; 0: there is none). LQ_CPU_CUDNN_FAULT: 1: no plan is built for backward;
// 2: a mask's "at least" is taken for "more"; 3: nothing runs.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#define LQ_ON_CPU __attribute__((visibility("default")))

extern "C" void* lq_cpu_card_open();
extern "C" void lq_cpu_card_close(void* opened);
extern "C" bool lq_cpu_card_record(void* stream, std::function<void()>* work);

namespace {

constexpr int kBad = 2000;           // CUDNN_STATUS_BAD_PARAM
constexpr int kNotSupported = 3000;  // CUDNN_STATUS_NOT_SUPPORTED
constexpr int kNotReady = 1001;      // CUDNN_STATUS_NOT_INITIALIZED
constexpr std::int64_t kWorkspace = 4096;

long option(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == 0 ? otherwise : std::atol(text);
}

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
std::set<const Descriptor*> alive;
struct Handle {
  void* stream = nullptr;
};

// What an attribute must be: its type and count; kinds: descriptors' kind.
struct Rule {
  int name, type;
  std::int64_t count;
  bool needed;
};
const std::map<int, std::vector<Rule>>& rules() {
  static const std::map<int, std::vector<Rule>> all = {
      {0, {{0, 14, 1, true}, {1, 1, 1, true}, {9, 3, 1, false}}},
      {2, {}},
      {3, {}},
      {4, {{200, 8, 1, true}, {201, 15, 1, true}}},
      {5, {{400, 0, 1, true}, {401, 15, 1, true}}},
      {13,
       {{750, 15, 1, true},
        {751, 15, 1, true},
        {752, 15, 1, false},
        {753, 15, 1, false},
        {756, 15, 1, false},
        {757, 15, 1, false},
        {758, 15, 1, false}}},
      {15, {{800, 0, 1, true}, {801, 15, -1, true}}},
      {16, {{1000, 3, -1, true}, {1001, 6, -1, true}, {1003, 6, 1, true}}},
      {17,
       {{900, 3, 1, true},
        {901, 1, 1, true},
        {902, 3, 4, true},
        {903, 3, 4, true},
        {906, 3, 1, true},
        {907, 2, 1, false},
        {908, 2, 1, false},
        {913, 15, 1, false}}},
      {18, {{1500, 1, 1, true}, {1503, 5, 1, false}}},
      {19,
       {{1520, 15, 1, true},
        {1521, 15, 1, true},
        {1522, 15, 1, true},
        {1523, 15, 1, true},
        {1525, 15, 1, false},
        {1526, 15, 1, false},
        {1527, 15, 1, false}}},
      {21, {{1600, 18, 1, true}, {1601, 1, 1, true}}},
      {22, {{1610, 15, 1, true}, {1611, 15, 1, true}, {1612, 15, 1, true}}},
      {31, {{2200, 15, 1, true}, {2201, 15, 1, true}}}};
  return all;
}
std::int64_t size_of(int type) {
  return type == 2 ? 1 : type == 1 || type == 8 || type == 14 || type == 18 ? 4 : 8;
}

// ---- tensors ----

struct Shape {
  std::int64_t n[4], by[4];
};
Shape shape_of(const Descriptor& t) {
  Shape s;
  for (std::size_t i = 0; i < 4; ++i) {
    s.n[i] = t.get<std::int64_t>(902, i);
    s.by[i] = t.get<std::int64_t>(903, i);
  }
  return s;
}
std::int64_t id_of(const Descriptor& t) { return t.get<std::int64_t>(906); }
int type_of(const Descriptor& t) { return t.get<int>(901); }
bool is_virtual(const Descriptor& t) { return t.has(907) && t.get<bool>(907); }
bool by_value(const Descriptor& t) { return t.has(908) && t.get<bool>(908); }

float float_of_bits(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
double rounded(int type, double x) {
  const float f = static_cast<float>(x);
  if (type != 9 || std::isnan(f)) return f;
  std::uint32_t u;
  std::memcpy(&u, &f, sizeof u);
  return float_of_bits((u + 0x7fffU + (u >> 16 & 1U)) & 0xffff0000U);
}

// A graph while it runs.
class Run {
 public:
  Run(const Descriptor& graph, const Descriptor& pack) : graph_(graph) {
    const std::int64_t count = pack.values.at(1000).count;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      memory_[pack.get<std::int64_t>(1000, at)] = pack.get<char*>(1001, at);
    }
    find_lengths();
  }

  int operator()() {
    if (!all_there()) return kBad;
    const std::int64_t count = graph_.values.at(801).count;
    std::vector<bool> done(static_cast<std::size_t>(count));
    for (bool moved = true; moved;) {
      moved = false;
      for (std::int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (done[at] || !ready(*graph_.part(801, at))) continue;
        if (const int status = step(*graph_.part(801, at)); status != 0) return status;
        done[at] = moved = true;
      }
    }
    return std::all_of(done.begin(), done.end(), [](bool d) { return d; }) ? 0 : kBad;
  }

 private:
  using Index = std::int64_t[4];

  // Every tensor in memory has a place that begins where it is said to.
  bool all_there() const {
    for (std::int64_t i = 0; i < graph_.values.at(801).count; ++i) {
      const Descriptor& o = *graph_.part(801, static_cast<std::size_t>(i));
      for (const auto& [name, value] : o.values) {
        const Descriptor* const t = value.type == 15 ? o.part(name) : nullptr;
        if (t == nullptr || t->kind != 17 || is_virtual(*t)) continue;
        const auto at = memory_.find(id_of(*t));
        if (at == memory_.end() || at->second == nullptr) return false;
        const auto begin = reinterpret_cast<std::uintptr_t>(at->second);
        if (!by_value(*t) && begin % static_cast<std::uintptr_t>(t->get<std::int64_t>(900)) != 0)
          return false;
      }
    }
    return true;
  }

  // Which lengths hold for sequences that begin at some offsets: what the products say of them.
  void find_lengths() {
    for (std::int64_t i = 0; i < graph_.values.at(801).count; ++i) {
      const Descriptor& o = *graph_.part(801, static_cast<std::size_t>(i));
      if (o.kind != 19) continue;
      const auto tie = [&](const Descriptor* t, int lengths, int dim) {
        if (const Descriptor* l = o.part(lengths); l != nullptr && t->has(913)) {
          lengths_of_[id_of(*t->part(913))] = id_of(*l);
          if (lengths == 1525 && &*t == o.part(1520)) query_lengths_ = id_of(*l);
          dim_of_[id_of(*t)] = dim;
        }
      };
      tie(o.part(1520), 1525, 2);
      tie(o.part(1521), 1526, 3);
      tie(o.part(1521), 1527, 2);
      tie(o.part(1522), 1525, 2);
    }
  }
  std::int64_t int_at(std::int64_t id, std::int64_t i) const {
    return reinterpret_cast<const std::int32_t*>(memory_.at(id))[i];
  }
  bool ready(const Descriptor& o) const {
    for (const auto& [name, value] : o.values) {
      if (value.type != 15 || name == 753 || name == 756 || name == 1522 || name == 1611 || name == 2201)
        continue;
      const Descriptor& t = *o.part(name);
      if (t.kind == 17 && made_later(t) && made_.count(id_of(t)) == 0) return false;
    }
    return true;
  }
  bool made_later(const Descriptor& t) const {
    if (is_virtual(t)) return true;
    for (std::int64_t i = 0; i < graph_.values.at(801).count; ++i) {
      const Descriptor& o = *graph_.part(801, static_cast<std::size_t>(i));
      for (const int name : {753, 756, 1522, 1611, 2201}) {
        const Descriptor* const y = o.part(name);
        if (y != nullptr && id_of(*y) == id_of(t)) return true;
      }
    }
    return false;
  }

  // A tensor's elements, found quickly.
  struct View {
    Shape s{};
    int type = 0;
    bool narrow = false;  // bf16 in memory
    bool turned = false;  // a reshape of memory: rows and columns change places
    char* data = nullptr;
    int along = 2;
    std::vector<std::int64_t> begins, lengths;  // a sequence's, where it has offsets

    // Null where its sequence has no such element.
    char* at(const Index& i) const {
      const Index k = {s.n[0] == 1 ? 0 : i[0], s.n[1] == 1 ? 0 : i[1], s.n[2] == 1 ? 0 : i[turned ? 3 : 2],
                       s.n[3] == 1 ? 0 : i[turned ? 2 : 3]};
      std::int64_t offset = k[1] * s.by[1] + k[2] * s.by[2] + k[3] * s.by[3];
      if (begins.empty()) {
        offset += k[0] * s.by[0];
      } else {
        const auto n = static_cast<std::size_t>(i[0]);
        if (k[along] >= lengths[n]) return nullptr;
        offset += begins[n];
      }
      return data + offset * (narrow ? 2 : 4);
    }
    double read(const Index& i) const {
      const char* const p = at(i);
      if (p == nullptr) return 0.0;
      if (narrow) {
        std::uint16_t bits;
        std::memcpy(&bits, p, sizeof bits);
        return float_of_bits(std::uint32_t{bits} << 16);
      }
      if (type == 4) {
        std::int32_t whole;
        std::memcpy(&whole, p, sizeof whole);
        return whole;
      }
      float f;
      std::memcpy(&f, p, sizeof f);
      return f;
    }
    void write(const Index& i, double x) const {
      char* const p = at(i);
      if (p == nullptr) return;
      const float f = static_cast<float>(rounded(type, x));
      if (narrow) {
        std::uint32_t bits;
        std::memcpy(&bits, &f, sizeof bits);
        const auto half = static_cast<std::uint16_t>(bits >> 16);
        std::memcpy(p, &half, sizeof half);
      } else {
        std::memcpy(p, &f, sizeof f);
      }
    }
  };

  View view(const Descriptor& t) {
    if (const auto alias = aliases_.find(id_of(t)); alias != aliases_.end()) {
      View v = view(*alias->second);
      v.turned = true;
      return v;
    }
    View v;
    v.s = shape_of(t);
    v.type = type_of(t);
    if (is_virtual(t)) {
      // It is never in memory, so that its strides say nothing of where it lies.
      auto& room = made_[id_of(t)];
      const std::int64_t* const n = v.s.n;
      v.s = {{n[0], n[1], n[2], n[3]}, {n[1] * n[2] * n[3], n[2] * n[3], n[3], 1}};
      if (room == nullptr)
        room = std::make_shared<std::vector<float>>(static_cast<std::size_t>(n[0] * v.s.by[0]), NAN);
      v.type = v.type == 4 ? 0 : v.type;  // whole numbers lie in floats here
      v.data = reinterpret_cast<char*>(room->data());
      return v;
    }
    v.narrow = v.type == 9;
    v.data = memory_.at(id_of(t));
    if (!t.has(913)) return v;
    const std::int64_t offsets = id_of(*t.part(913));
    if (dim_of_.count(id_of(t)) != 0) v.along = dim_of_.at(id_of(t));
    for (std::int64_t n = 0; n < v.s.n[0]; ++n) {
      v.begins.push_back(int_at(offsets, n));
      // Log-sums have offsets of their own, and queries' lengths.
      const auto lengths = lengths_of_.find(offsets);
      v.lengths.push_back(int_at(lengths != lengths_of_.end() ? lengths->second : query_lengths_, n));
    }
    return v;
  }

  template <typename Body>
  static void each(const Shape& s, const Body& body) {
    Index i;
    for (i[0] = 0; i[0] < s.n[0]; ++i[0])
      for (i[1] = 0; i[1] < s.n[1]; ++i[1])
        for (i[2] = 0; i[2] < s.n[2]; ++i[2])
          for (i[3] = 0; i[3] < s.n[3]; ++i[3]) body(i);
  }

  int step(const Descriptor& o) {
    switch (o.kind) {
      case 13:
        return pointwise(o);
      case 19:
        return product(o);
      case 22:
        return reduction(o);
      default:
        return reshape(o);
    }
  }
  void finish(const Descriptor& y) {
    if (!is_virtual(y)) made_[id_of(y)] = nullptr;
  }

  int pointwise(const Descriptor& o) {
    const Descriptor& how = *o.part(750);
    const int mode = how.get<int>(0);
    const bool backward = mode == 201;
    const Descriptor& x = *o.part(751);
    const Descriptor* const b = o.part(backward ? 757 : 752);
    const Descriptor* const t = o.part(758);
    const Descriptor& y = *o.part(backward ? 756 : 753);
    const std::int64_t axis = how.has(9) ? how.get<std::int64_t>(9) : -1;
    const bool wrong = option("LQ_CPU_CUDNN_FAULT", 0) == 2;
    const View vx = view(x), vy = view(y);
    const View vb = b != nullptr ? view(*b) : View{};
    const View vt = t != nullptr ? view(*t) : View{};
    int status = 0;
    each(vy.s, [&](const Index& i) {
      const double p = mode == 501 ? 0.0 : vx.read(i);
      const double q = b != nullptr ? vb.read(i) : NAN;
      double r = NAN;
      switch (mode) {
        case 0:
          r = p + q;
          break;
        case 1:
          r = p * q;
          break;
        case 6:
          r = p / q;
          break;
        case 9:
          r = p - q;
          break;
        case 13:
          r = std::exp(p);
          break;
        case 15:
          r = std::log(p);
          break;
        case 101:
          r = std::tanh(p);
          break;
        case 201:
          r = q * (1.0 - std::tanh(p) * std::tanh(p));
          break;
        case 302:
          r = p > q;
          break;
        case 303:
          r = wrong ? p > q : p >= q;
          break;
        case 304:
          r = p < q;
          break;
        case 400:
          r = p != 0.0 && q != 0.0;
          break;
        case 501:
          r = static_cast<double>(i[axis]);
          break;
        case 601:
          r = vt.read(i) != 0.0 ? p : q;
          break;
        default:
          status = kBad;
      }
      vy.write(i, r);
    });
    finish(y);
    return status;
  }

  int product(const Descriptor& o) {
    const Descriptor& a = *o.part(1520);
    const Descriptor& b = *o.part(1521);
    const Descriptor& c = *o.part(1522);
    const Shape sa = shape_of(a), sb = shape_of(b), sc = shape_of(c);
    if (sa.n[3] != sb.n[2] || sc.n[2] != sa.n[2] || sc.n[3] != sb.n[3] || sa.n[1] != sc.n[1] ||
        sc.n[1] % sb.n[1] != 0)
      return kBad;
    const std::int64_t group = sc.n[1] / sb.n[1];
    const View va = view(a), vb = view(b), vc = view(c);
    const auto length = [&](int name, std::int64_t i, std::int64_t whole) {
      const Descriptor* const l = o.part(name);
      return l == nullptr ? whole : int_at(id_of(*l), i);
    };
    std::vector<double> left, right;
    for (std::int64_t n = 0; n < sc.n[0]; ++n) {
      const std::int64_t rows = length(1525, n, sc.n[2]);
      const std::int64_t cols = length(1526, n, sc.n[3]);
      const std::int64_t depth = length(1527, n, sa.n[3]);
      if (rows > sc.n[2] || cols > sc.n[3] || depth > sa.n[3]) return kBad;
      for (std::int64_t h = 0; h < sc.n[1]; ++h) {
        left.assign(static_cast<std::size_t>(rows * depth), 0.0);
        right.assign(static_cast<std::size_t>(cols * depth), 0.0);
        for (std::int64_t k = 0; k < depth; ++k) {
          for (std::int64_t i = 0; i < rows; ++i) {
            const Index from = {n, h, i, k};
            // What multiplies is bf16, whatever it is called on the way.
            left[static_cast<std::size_t>(i * depth + k)] = rounded(9, va.read(from));
          }
          for (std::int64_t j = 0; j < cols; ++j) {
            const Index from = {n, h / group, k, j};
            right[static_cast<std::size_t>(j * depth + k)] = vb.read(from);
          }
        }
        for (std::int64_t i = 0; i < sc.n[2]; ++i) {
          for (std::int64_t j = 0; j < sc.n[3]; ++j) {
            double sum = 0.0;
            if (i < rows && j < cols) {
              const double* const l = left.data() + i * depth;
              const double* const r = right.data() + j * depth;
              for (std::int64_t k = 0; k < depth; ++k) sum += l[k] * r[k];
            }
            const Index to = {n, h, i, j};
            vc.write(to, sum);
          }
        }
      }
    }
    finish(c);
    return 0;
  }

  int reduction(const Descriptor& o) {
    const Descriptor& x = *o.part(1610);
    const Descriptor& y = *o.part(1611);
    const bool largest = o.part(1612)->get<int>(1600) == 3;
    const Shape sx = shape_of(x), sy = shape_of(y);
    std::int64_t share[4];  // elements of x for one of y
    for (int d = 0; d < 4; ++d) {
      if (sx.n[d] % sy.n[d] != 0) return kBad;
      share[d] = sx.n[d] / sy.n[d];
    }
    const View vx = view(x), vy = view(y);
    each(sy, [&](const Index& to) {
      double all = largest ? -INFINITY : 0.0;
      each({{share[0], share[1], share[2], share[3]}, {}}, [&](const Index& k) {
        Index from;
        for (int d = 0; d < 4; ++d) from[d] = to[d] * share[d] + k[d];
        const double v = vx.read(from);
        all = largest ? std::max(all, v) : all + v;
      });
      vy.write(to, all);
    });
    finish(y);
    return 0;
  }

  int reshape(const Descriptor& o) {
    const Descriptor& x = *o.part(2200);
    const Descriptor& y = *o.part(2201);
    const Shape sx = shape_of(x), sy = shape_of(y);
    for (int d = 0; d < 4; ++d) {
      const int e = d < 2 ? d : 5 - d;
      if (sx.n[d] != sy.n[e] || sx.by[d] != sy.by[e]) return kBad;
    }
    if (!is_virtual(x)) {
      aliases_[id_of(y)] = &x;
      made_[id_of(y)] = nullptr;
      return 0;
    }
    const View vx = view(x), vy = view(y);
    each(sy, [&](const Index& i) {
      const Index from = {i[0], i[1], i[3], i[2]};
      vy.write(i, vx.read(from));
    });
    return 0;
  }

  const Descriptor& graph_;
  std::map<std::int64_t, char*> memory_;
  std::map<std::int64_t, std::int64_t> lengths_of_;
  std::map<std::int64_t, int> dim_of_;
  std::int64_t query_lengths_ = 0;
  std::map<std::int64_t, std::shared_ptr<std::vector<float>>> made_;
  std::map<std::int64_t, const Descriptor*> aliases_;
};

// ---- what is accepted ----

int check_tensor(const Descriptor& t) {
  const Shape s = shape_of(t);
  for (int d = 0; d < 4; ++d) {
    if (s.n[d] < 1 || s.by[d] < 1) return kBad;
  }
  const int type = type_of(t);
  if (type != 0 && type != 4 && type != 9 && type != 11) return kBad;
  if (type == 11 && !is_virtual(t)) return kBad;
  if (const Descriptor* const o = t.part(913); o != nullptr) {
    const Shape so = shape_of(*o);
    if (type_of(*o) != 4 || so.n[0] != s.n[0] + 1 || so.n[1] * so.n[2] * so.n[3] != 1) return kBad;
  }
  return 0;
}

int check_pointwise(const Descriptor& o) {
  const int mode = o.part(750)->get<int>(0);
  const bool backward = mode == 201;
  if (!o.has(backward ? 756 : 753) || (backward && !o.has(757)) || (mode == 601) != o.has(758) ||
      (mode == 501) != (o.part(750)->has(9) && !o.has(752)))
    return kBad;
  // Others are made as large as the result by repetition.
  const Shape y = shape_of(*o.part(backward ? 756 : 753));
  for (const int name : {751, 752, 757, 758}) {
    const Descriptor* const x = o.part(name);
    if (x == nullptr) continue;
    const Shape s = shape_of(*x);
    for (int d = 0; d < 4; ++d) {
      if (s.n[d] != 1 && s.n[d] != y.n[d]) return kBad;
    }
  }
  return 0;
}

// Every id has one shape, is made once, and is made where it is no memory.
int check_graph(const Descriptor& g) {
  std::map<std::int64_t, const Descriptor*> tensors;
  std::set<std::int64_t> made;
  for (std::int64_t i = 0; i < g.values.at(801).count; ++i) {
    const Descriptor& o = *g.part(801, static_cast<std::size_t>(i));
    if (!o.final || (o.kind != 13 && o.kind != 19 && o.kind != 22 && o.kind != 31)) return kBad;
    for (const auto& [name, value] : o.values) {
      const Descriptor* const t = value.type == 15 ? o.part(name) : nullptr;
      if (t == nullptr || t->kind != 17) continue;
      const auto [at, is_new] = tensors.try_emplace(id_of(*t), t);
      if (!is_new && at->second != t) return kBad;
      const bool result = name == 753 || name == 756 || name == 1522 || name == 1611 || name == 2201;
      if (result && (!made.insert(id_of(*t)).second || by_value(*t))) return kBad;
    }
  }
  for (const auto& [id, t] : tensors) {
    if (is_virtual(*t) && made.count(id) == 0) return kBad;
  }
  return 0;
}

bool is_backward(const Descriptor& graph) {
  for (std::int64_t i = 0; i < graph.values.at(801).count; ++i) {
    if (graph.part(801, static_cast<std::size_t>(i))->kind == 31) return true;
  }
  return false;
}

int finalize(Descriptor& d) {
  const auto found = rules().find(d.kind);
  if (found == rules().end() || d.final) return kBad;
  for (const Rule& r : found->second) {
    if (r.needed && !d.has(r.name)) return kBad;
  }
  for (const auto& [name, value] : d.values) {
    for (std::int64_t i = 0; value.type == 15 && i < value.count; ++i) {
      const Descriptor* const part = d.part(name, static_cast<std::size_t>(i));
      if (alive.count(part) == 0 || !part->final) return kBad;
    }
  }
  int status = 0;
  if (d.kind == 17) status = check_tensor(d);
  if (d.kind == 13) status = check_pointwise(d);
  if (d.kind == 15) status = check_graph(d);
  if (d.kind == 16 && d.values.at(1000).count != d.values.at(1001).count) status = kBad;
  if (d.kind == 5) {
    // The first engine cannot be built; backward's second gives other bits every time, so it is not to be
    // asked for.
    const Descriptor& config = *d.part(401);
    const bool backward = is_backward(*config.graph);
    if (config.place == 0 || (backward && option("LQ_CPU_CUDNN_FAULT", 0) == 1)) status = kNotSupported;
    if (backward && config.place == 1) status = kBad;
  }
  d.final = status == 0;
  return status;
}

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
