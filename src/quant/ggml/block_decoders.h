// One function a type: a block's bytes to its weights, with the roundings of ggml's own reference (each
// product and sum in f32, in the order that the format's definition gives). Plain loops: these define the
// types.
#pragma once

#include <cstdint>

namespace lq::ggml {

// x: one block of the type; y: the block's weights, all written.
using BlockDecoder = void (*)(const std::uint8_t* x, float* y);

// blocks_of_32.cc
void decode_q4_0(const std::uint8_t* x, float* y);
void decode_q4_1(const std::uint8_t* x, float* y);
void decode_q5_0(const std::uint8_t* x, float* y);
void decode_q5_1(const std::uint8_t* x, float* y);
void decode_q8_0(const std::uint8_t* x, float* y);
void decode_iq4_nl(const std::uint8_t* x, float* y);
void decode_mxfp4(const std::uint8_t* x, float* y);
void decode_nvfp4(const std::uint8_t* x, float* y);

// super_blocks.cc
void decode_q2_k(const std::uint8_t* x, float* y);
void decode_q3_k(const std::uint8_t* x, float* y);
void decode_q4_k(const std::uint8_t* x, float* y);
void decode_q5_k(const std::uint8_t* x, float* y);
void decode_q6_k(const std::uint8_t* x, float* y);
void decode_iq4_xs(const std::uint8_t* x, float* y);
void decode_tq1_0(const std::uint8_t* x, float* y);
void decode_tq2_0(const std::uint8_t* x, float* y);

// grid_blocks.cc
void decode_iq2_xxs(const std::uint8_t* x, float* y);
void decode_iq2_xs(const std::uint8_t* x, float* y);
void decode_iq2_s(const std::uint8_t* x, float* y);
void decode_iq3_xxs(const std::uint8_t* x, float* y);
void decode_iq3_s(const std::uint8_t* x, float* y);
void decode_iq1_s(const std::uint8_t* x, float* y);
void decode_iq1_m(const std::uint8_t* x, float* y);

}  // namespace lq::ggml
