// The point sets that the IQ1, IQ2 and IQ3 types choose from. They are facts of the format: its authors
// picked these points of the lattices E8 (eight weights a point, three values each) and Z4 (four weights,
// eight values) by how often groups of weights of real models fell nearest to them, and files hold their
// indices. iq_grids.inc has each point in 16 bits, in ascending order as the format numbers them
// (tools/make_iq_grids.py says how they were read off gguf-py's tables).
#pragma once

#include <cstdint>
#include <span>

namespace lq::ggml {

// Eight digits of 2 bits, the lowest first. IQ2: 0, 1, 2 stand for 8, 25, 43; IQ1: for -1, 0, 1.
extern const std::span<const std::uint16_t> kIq2XxsGrid;  // 256 points
extern const std::span<const std::uint16_t> kIq2XsGrid;   // 512
extern const std::span<const std::uint16_t> kIq2SGrid;    // 1024
extern const std::span<const std::uint16_t> kIq1Grid;     // 2048; IQ1_S and IQ1_M
// Four digits of 4 bits, the lowest first: IQ3_XXS: 0 to 7 stand for 4, 12, 20, 28, 36, 44, 52, 62; IQ3_S:
// for the odd numbers from 1 to 15.
extern const std::span<const std::uint16_t> kIq3XxsGrid;  // 256 points
extern const std::span<const std::uint16_t> kIq3SGrid;    // 512

}  // namespace lq::ggml
