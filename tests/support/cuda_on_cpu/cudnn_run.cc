// The order of a graph's operations, and where their operands lie.
#include "cudnn_run.h"

#include <algorithm>
#include <cmath>

namespace cudnn_on_cpu {

Run::Run(const Descriptor& graph, const Descriptor& pack) : graph_(graph) {
  const std::int64_t count = pack.values.at(1000).count;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    memory_[pack.get<std::int64_t>(1000, at)] = pack.get<char*>(1001, at);
  }
  find_lengths();
}

int Run::operator()() {
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

// Every tensor in memory has a place that begins where it is said to.
bool Run::all_there() const {
  for (std::int64_t i = 0; i < graph_.values.at(801).count; ++i) {
    const Descriptor& o = *graph_.part(801, static_cast<std::size_t>(i));
    for (const auto& [name, value] : o.values) {
      const Descriptor* const t = value.type == 15 ? o.part(name) : nullptr;
      if (t == nullptr || t->kind != 17 || is_virtual(*t)) continue;
      const auto at = memory_.find(id_of(*t));
      if (at == memory_.end() || at->second == nullptr) return false;
      const auto begin = reinterpret_cast<std::uintptr_t>(at->second);
      if (!by_value(*t) && begin % static_cast<std::uintptr_t>(t->get<std::int64_t>(900)) != 0) return false;
    }
  }
  return true;
}

// Which lengths hold for sequences that begin at some offsets: what the products say of them.
void Run::find_lengths() {
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

bool Run::ready(const Descriptor& o) const {
  for (const auto& [name, value] : o.values) {
    if (value.type != 15 || name == 753 || name == 756 || name == 1522 || name == 1611 || name == 2201)
      continue;
    const Descriptor& t = *o.part(name);
    if (t.kind == 17 && made_later(t) && made_.count(id_of(t)) == 0) return false;
  }
  return true;
}

bool Run::made_later(const Descriptor& t) const {
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

View Run::view(const Descriptor& t) {
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

int Run::step(const Descriptor& o) {
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

void Run::finish(const Descriptor& y) {
  if (!is_virtual(y)) made_[id_of(y)] = nullptr;
}

}  // namespace cudnn_on_cpu
