# Installs a formula for Homebrew on Linux without Homebrew: the archive of this machine comes from a directory, after its checksum is compared.
# It knows as much of the language of formulas as .goreleaser.yaml uses.
# usage: ruby formula.rb FORMULA ARCHIVES PREFIX
require "digest"
require "fileutils"
require "pathname"
require "tmpdir"

FORMULA, ARCHIVES, PREFIX = ARGV.map { |path| File.expand_path(path) }

# A directory that files are installed into.
class Target < Pathname
  def install(*sources)
    mkpath
    sources.flatten.each do |source|
      (source.is_a?(Hash) ? source : { source => File.basename(source) }).each { |from, to| FileUtils.cp(from, self + to) }
    end
  end

  def install_symlink(links)
    links.each { |from, to| File.symlink(from, self + to) }
  end
end

module Hardware
  module CPU
    def self.arm? = RUBY_PLATFORM.match?(/aarch64|arm64/)
    def self.intel? = !arm?
    def self.is_64_bit? = true
  end
end

class Formula
  class << self
    attr_reader :found

    def inherited(formula) = (@found = formula)

    def field(name) = (@fields ||= {})[name]

    %i[desc homepage version license url sha256].each do |name|
      define_method(name) { |value = nil| value ? (@fields ||= {})[name] = value : field(name) }
    end

    def on_linux = yield
    def on_macos; end
    def test(&block) = (@fields ||= {})[:test] = block
  end

  { bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d", zsh_completion: "share/zsh/site-functions",
    fish_completion: "share/fish/vendor_completions.d", pkgshare: "share/tykmesh", doc: "share/doc/tykmesh" }.each do |name, below|
    define_method(name) { Target.new(File.join(PREFIX, below)) }
  end

  def version = self.class.version
  def shell_output(command) = `#{command}`
  def assert_match(want, got) = got.include?(want) || abort("failed: #{got.inspect} has no #{want.inspect}")
end

load FORMULA
formula = Formula.found
archive = File.join(ARCHIVES, File.basename(formula.url))
abort "failed: #{formula.url} is no release of #{formula.version}" unless formula.url.include?("/releases/download/v#{formula.version}/")
abort "failed: the checksum of #{archive} differs" unless Digest::SHA256.file(archive).hexdigest == formula.sha256

Dir.mktmpdir do |dir|
  Dir.chdir(dir) do
    system("tar", "-xf", archive, exception: true)
    formula.new.install
  end
end
formula.new.instance_exec(&formula.field(:test))
