// Options, each described once. A job's options are plain structs; beside them, a function
//
//   void describe(OptionVisitor& v, TrainOptions& o) {
//     v.option({.key = "batch-size", .help = "Rows that pass through the model together"},
//              integer(o.batch.rows, 1, 1 << 20));
//     ...
//   }
//
// shows each of them to whoever asks: the command line makes flags and their --help of it
// (cli/option_flags.h), a recipe its keys (compare/recipe_options.h), a job the identity by which unfinished
// work is known again (job_identity.h). What an option is called, may be, defaults to and means stands
// nowhere else.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lq {

enum class OptionType {
  kFlag,     // there or not
  kInteger,  // a whole number
  kNumber,
  kText,
  kPath,   // of a file or a folder
  kBytes,  // a number of bytes, or a text such as "6GiB"
  kName,   // one of a few names
};

// The field that an option reads and sets, whatever its type. Refers to the described struct, which outlives
// it.
class OptionValue {
 public:
  virtual ~OptionValue() = default;
  virtual OptionType type() const = 0;  // of the value; of a list, of each of them
  virtual bool list() const { return false; }
  // A list whose values may also stand in one text with commas between.
  virtual bool commas() const { return false; }
  // What it may be: "1 to 1000", "cosine, linear or constant"; empty where that is any of its type.
  virtual std::string expected() const { return {}; }
  // The names that there are, of kName.
  virtual std::vector<std::string> names() const { return {}; }

  // The value, or a list of them; null where it is left open. Before anything is set: the default.
  virtual nlohmann::json get() const = 0;
  // From what get() gives, or a text that it can be read from. Throws Error(kInvalidArgument) with what is
  // wrong, without the key: "is 0, but must be 1 to 1000".
  virtual void set(const nlohmann::json& value) = 0;

  // What stands for it in a job's identity; nothing: it is left out.
  virtual std::optional<nlohmann::json> identity() const { return get(); }
  // The identity that an older version of this program has written as `old`, as it would be written today:
  // numbers of enums and old names become names.
  virtual nlohmann::json identity_today(const nlohmann::json& old) const { return old; }
};

// What there is to say of an option besides its value.
struct OptionInfo {
  std::string key;  // "batch-size"; on the command line --batch-size
  // A sentence without a full stop; other options stand in backticks, as in messages (base/error.h).
  std::string help;
  // Heading over it in --help; empty: among the others.
  std::string group = {};
  std::string position = {};              // "MODEL": on the command line it stands there, without a name
  std::string letter = {};                // "o": -o serves too
  std::vector<std::string> aliases = {};  // keys of old, still read
  bool required = false;
  // What it is when not given depends on others (the help says how): --help shows no default, and `given`
  // tells.
  bool open = false;
  std::vector<std::string> excludes = {};  // keys that may not be given beside it
  // Whether, with the values at hand, another value would change the result: then the identity of the job
  // holds it.
  bool changes_result = true;
  // Where its identity stands in the job, as a JSON pointer; empty: /KEY with _ for -.
  std::string identity = {};
  // Where the job itself puts what this option leads to, such as the hash of what lies at a path or of the
  // examples that were read: that stands for its value, which is left out.
  std::string identified_by = {};
};

// Where an option's identity stands in the job.
std::string identity_place(const OptionInfo& info);

class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) = 0;
};

// Which options were given, by key: what was left open is decided by the job.
class GivenOptions {
 public:
  void add(const std::string& key) { keys_.insert(key); }
  bool operator()(const std::string& key) const { return keys_.contains(key); }

 private:
  std::set<std::string> keys_;
};

// A word of the command line as the JSON of this type: a number where the type is one. Throws
// Error(kInvalidArgument) "is 'x', but must be a whole number".
nlohmann::json option_word(OptionType type, const std::string& word);

}  // namespace lq
