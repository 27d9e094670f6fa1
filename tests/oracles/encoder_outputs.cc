// What an encoder says of texts, for differential_encoders.py: one JSON object a line in, one a line out.
//   encoder_outputs MODEL [ADAPTER [OUTPUTS class|number]] < requests
//   {"first", "second" or null, "most"} or {"ids", "types"}
//   {"ids", "types", "outputs"} or {"error"}; outputs: of the head over sequences, or of each token the
//   scores of the vocabulary, or its hidden state. ADAPTER may be "-".
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "data/encode_example.h"
#include "models/model.h"
#include "tokenizers/text_pair.h"
#include "tokenizers/tokenizer.h"

namespace {

using Json = nlohmann::ordered_json;

Json rows_of(const std::vector<float>& values, std::int64_t cols) {
  Json rows = Json::array();
  for (std::size_t at = 0; at < values.size(); at += static_cast<std::size_t>(cols)) {
    rows.push_back(std::vector<float>(values.begin() + static_cast<std::ptrdiff_t>(at),
                                      values.begin() + static_cast<std::ptrdiff_t>(at) + cols));
  }
  return rows;
}

class Encoder {
 public:
  Encoder(const std::string& folder, const lq::ModelLoadOptions& options)
      : model_(lq::Model::load(ctx_, folder, options)),
        tokenizer_(lq::Tokenizer::load(model_.checkpoint()->folder())) {}

  Json answer(const Json& request) {
    lq::EncodedTexts texts;
    if (request.contains("ids")) {
      texts.ids = request["ids"].get<std::vector<std::int32_t>>();
      texts.types = request["types"].get<std::vector<std::int32_t>>();
    } else {
      const auto first = request["first"].get<std::string>();
      std::optional<std::string> second;
      if (!request["second"].is_null()) second = request["second"].get<std::string>();
      texts = lq::encode_texts(*tokenizer_, first, second, request["most"].get<std::int64_t>());
    }
    const auto n = static_cast<std::int64_t>(texts.ids.size());
    const std::vector<std::int64_t> starts = {0, n};
    lq::check_sequence_length(model_.spec(), n, "the text");
    Json out = {{"ids", texts.ids}, {"types", texts.types}};
    const lq::TokenBatch batch{texts.ids, starts, texts.types};
    std::vector<float> outputs;
    std::int64_t cols = model_.spec().hidden;
    if (model_.label_head() != nullptr) {
      cols = model_.label_head()->outputs();
      outputs.resize(static_cast<std::size_t>(cols));
      model_.label_outputs(ctx_, ws_, batch, {outputs.data(), 1, cols});
    } else if (model_.spec().has_head) {
      cols = model_.spec().vocab;
      outputs.resize(static_cast<std::size_t>(n * cols));
      std::vector<float> losses(texts.ids.size());
      model_.losses(ctx_, ws_, batch, texts.ids, losses, [&](std::int64_t at, lq::ConstMatrix chunk) {
        std::copy_n(chunk.data, chunk.size(), outputs.data() + at * chunk.cols);
      });
    } else {
      outputs.resize(static_cast<std::size_t>(n * cols));
      model_.forward_hidden(ctx_, ws_, batch, {outputs.data(), n, cols});
    }
    out["outputs"] = rows_of(outputs, cols);
    return out;
  }

 private:
  lq::ThreadPool pool_{1};
  lq::NoProgress progress_;
  lq::Context ctx_{pool_, progress_, 0, {}};
  lq::Workspace ws_;
  lq::Model model_;
  std::unique_ptr<lq::Tokenizer> tokenizer_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc == 4) return std::cerr << "usage: encoder_outputs MODEL [ADAPTER [OUTPUTS KIND]]\n", 2;
  lq::ModelLoadOptions options;
  if (argc > 2 && std::string(argv[2]) != "-") options.adapter = argv[2];
  if (argc > 4) options.labels = lq::LabelSpec{std::atoll(argv[3]), std::string(argv[4]) == "number"};
  Encoder encoder(argv[1], options);
  std::string line;
  while (std::getline(std::cin, line)) {
    Json out;
    try {
      out = encoder.answer(Json::parse(line));
    } catch (const lq::Error& e) {
      out = {{"error", e.what()}};
    }
    std::cout << out.dump() << "\n" << std::flush;
  }
  return 0;
} catch (const std::exception& e) {
  return std::cerr << e.what() << "\n", 1;
}
