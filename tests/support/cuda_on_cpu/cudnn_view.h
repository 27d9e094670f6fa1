// A tensor of a graph that runs: where its elements lie, read and written as numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "cudnn_descriptor.h"

namespace cudnn_on_cpu {

using Index = std::int64_t[4];

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
  char* at(const Index& i) const;
  double read(const Index& i) const;
  // Rounded to its type; nothing where its sequence has no such element.
  void write(const Index& i, double x) const;
};

// body(index) for every element of a shape, the last dimension fastest.
template <typename Body>
void each(const Shape& s, const Body& body) {
  Index i;
  for (i[0] = 0; i[0] < s.n[0]; ++i[0])
    for (i[1] = 0; i[1] < s.n[1]; ++i[1])
      for (i[2] = 0; i[2] < s.n[2]; ++i[2])
        for (i[3] = 0; i[3] < s.n[3]; ++i[3]) body(i);
}

}  // namespace cudnn_on_cpu
