#include "cudnn_rules.h"

namespace cudnn_on_cpu {

std::set<const Descriptor*> alive;

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

namespace {

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

}  // namespace

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

}  // namespace cudnn_on_cpu
