// A graph of cuDNN while it runs on the processor: its operations one after the other.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "cudnn_view.h"

namespace cudnn_on_cpu {

class Run {
 public:
  // pack: of the operands' places.
  Run(const Descriptor& graph, const Descriptor& pack);
  // 0, or what is wrong.
  int operator()();

 private:
  bool all_there() const;
  void find_lengths();
  std::int64_t int_at(std::int64_t id, std::int64_t i) const {
    return reinterpret_cast<const std::int32_t*>(memory_.at(id))[i];
  }
  bool ready(const Descriptor& o) const;
  bool made_later(const Descriptor& t) const;
  View view(const Descriptor& t);
  void finish(const Descriptor& y);

  int step(const Descriptor& o);
  int pointwise(const Descriptor& o);
  int product(const Descriptor& o);
  int reduction(const Descriptor& o);
  int reshape(const Descriptor& o);

  const Descriptor& graph_;
  std::map<std::int64_t, char*> memory_;
  std::map<std::int64_t, std::int64_t> lengths_of_;
  std::map<std::int64_t, int> dim_of_;
  std::int64_t query_lengths_ = 0;
  std::map<std::int64_t, std::shared_ptr<std::vector<float>>> made_;
  std::map<std::int64_t, const Descriptor*> aliases_;
};

}  // namespace cudnn_on_cpu
