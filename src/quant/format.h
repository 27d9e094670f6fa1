// The formats that a matrix can be quantized to, as entries of one table (formats.cc). A new format: a class
// of its own with its quantizer, its page in docs/formats, its line in the table; and, where its bytes are
// laid out as no other's, its layout in backends/packed_view.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/choice.h"
#include "quant/packed_matrix.h"
#include "quant/quantizer.h"
#include "tensor/tensor_view.h"

namespace lq {

// Which of a format's choices.
enum class ChoiceSet : std::uint8_t { kLean, kAll };  // good ones, for a sweep of bearable length; all

// Where a choice stands among its format's in a sweep of one matrix, which starts each from its neighbour's
// low-rank factors (decompose/sweep.h). Keys are compared for order and equality only.
struct SweepPlace {
  std::vector<int> order;   // choices are swept in the order of these: what changes the factors most first
  std::vector<int> group;   // factors are sought afresh where it changes
  std::vector<int> anchor;  // choices with the same have the same ratio of errors between two ranks
  std::vector<int> curve;   // among choices with the same, what factors bring follows the error without them
  std::vector<int> grid;    // weights that lie on what one choice can store do so on those with the same
  bool alone = false;       // no neighbour helps: decomposed in full
  int width = 0;            // bits of a code: feedback helps choices of one width alike
};

class QuantFormat {
 public:
  virtual ~QuantFormat() = default;

  // On disk and on the command line: never renamed.
  virtual std::string_view name() const = 0;
  // Of its bytes, on disk. A reader refuses higher ones.
  virtual int version() const { return 1; }
  // For --help: "NormalFloat codes".
  virtual std::string_view help() const = 0;
  // Whether parameters alone name a choice ("3,8,fp32,64,256"), in a job with only one such format. For the
  // formats that were here before choices had names.
  virtual bool unnamed() const { return false; }
  virtual bool searches_scales() const { return false; }  // knows ScaleMode::kSearch
  virtual bool feeds_back() const { return false; }       // knows Feedback::kOn and kGptq
  // Beside this format, codebooks' codes of fewer bits than this are hardly worth trying: its own are
  // better (FormatSet::choices). 0: all are.
  virtual int outdoes_below() const { return 0; }

  // The canonical form of parameters that a user or a file gives; `who` starts the message. Throws
  // Error(kInvalidArgument) for others, saying which there are.
  virtual std::string parse(std::string_view parameters, std::string_view who) const = 0;
  // Parameters for every matrix alike, codes of `bits` bits. Throws Error(kInvalidArgument).
  virtual std::string uniform(int bits) const = 0;
  // At least one; canonical.
  virtual std::vector<std::string> choices(ChoiceSet set) const = 0;

  // In what follows `parameters` are canonical.
  // Storage per weight of a matrix without short blocks.
  virtual double bits_per_weight(std::string_view parameters) const = 0;
  virtual SweepPlace sweep_place(std::string_view parameters) const = 0;
  // Encodes. Options that the format does not know are ignored: FormatSet::check_options refuses them before.
  virtual std::unique_ptr<Quantizer> quantizer(std::string_view parameters,
                                               const QuantizerOptions& options) const = 0;
  // Suffix (as the name), type and shape of each stored part, before there are any bytes. Throws
  // Error(kInvalidArgument) naming `who` for an impossible shape.
  virtual std::vector<TensorSpec> parts(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                                        std::string_view who) const = 0;
  // Decodes: the matrix that stored parts are. bytes: in the order of parts() and of the sizes that it says;
  // borrowed, and kept alive by `keep_alive` where that is given. Throws Error(kCorruptFile) naming `who` for
  // values that no writer writes, so that no later call can yield NaN or infinity.
  virtual PackedMatrix open(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                            std::span<const std::span<const std::uint8_t>> bytes, std::string_view who,
                            std::shared_ptr<const void> keep_alive) const = 0;
};

// All of them. The position of a format in the table is part of old files: new ones come last.
std::span<const QuantFormat* const> quant_formats();
const QuantFormat* find_quant_format(std::string_view name);  // null: there is none
// Throws Error(kInvalidArgument) starting with `who` and naming all formats.
const QuantFormat& quant_format(std::string_view name, std::string_view who);

// "nf 3,8,fp32,64,256", or with a comma: "nf,3,8,fp32,64,256", "int-row,4".
// Throws Error(kInvalidArgument) starting with `who`.
QuantChoice parse_choice(std::string_view text, std::string_view who);

double choice_bits_per_weight(const QuantChoice& choice);
// Bits of one packed matrix as it lies on disk, padding counted, over its weights.
double stored_bits_per_weight(const QuantChoice& choice, std::int64_t rows, std::int64_t cols);
std::unique_ptr<Quantizer> make_quantizer(const QuantChoice& choice, const QuantizerOptions& options = {});

}  // namespace lq
