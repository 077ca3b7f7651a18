package config

import "github.com/tykmesh/tykmesh/inject/manifest"

// loader is one run of Load.
type loader struct {
	src      Source
	document *manifest.Document // the file
	config   Config
	settings map[string]setting           // by the key's name; those of the environment have replaced those of the file
	sections map[string]manifest.Position // where a section of the file begins
	failed   map[string]bool              // keys and sections that have an error already: further ones would only repeat it
	wrong    map[string]bool              // keys whose value cannot be read
	stood    map[string]bool              // keys that have a value for a run without a configuration
	read     []container                  // the containers read so far

	values  int     // how many YAML values were read, against alias bombs
	tooMany Finding // set once values reaches maxValues

	unresolved       []Finding // secrets that were not found: errors only if they are needed
	errors, warnings []Finding
}

func newLoader(src Source) *loader {
	return &loader{
		src:      src,
		config:   defaultConfig(src.Name),
		settings: map[string]setting{},
		sections: map[string]manifest.Position{},
		failed:   map[string]bool{},
		wrong:    map[string]bool{},
		stood:    map[string]bool{},
	}
}

// load reads everything and checks it. If it fails, it reports whether the keys that could be read
// can be shown nevertheless.
func (l *loader) load() (showable bool, err error) {
	if !l.readAll() {
		return false, Error(l.errors)
	}
	l.checkNeeds()
	if l.values >= maxValues { // all other errors are consequences
		return false, Error{l.tooMany}
	}
	if len(l.errors) > 0 {
		return true, Error(inFileOrder(l.errors))
	}

	return true, nil
}

// readAll reads the settings of the file and of the environment, and reports whether the file could
// be parsed.
func (l *loader) readAll() bool {
	if !l.readFile() {
		return false
	}

	l.readEnviron()
	l.readMode()
	l.standIn()
	for _, k := range keys {
		s, isSet := l.settings[k.name]
		if !isSet || k.remote && l.src.Local {
			continue
		}
		before := len(l.errors)
		k.read(l, s, &l.config)
		l.wrong[k.name] = len(l.errors) > before
	}

	return true
}

// places returns where each key is set, and where each section begins.
func (l *loader) places() map[string]Finding {
	places := make(map[string]Finding)
	for key, s := range l.settings {
		places[key] = s.finding("")
	}
	for section, pos := range l.sections {
		places[section] = Finding{Pos: pos}
	}

	return places
}

// report records an error that belongs to no setting.
func (l *loader) report(pos manifest.Position, key, msg string) {
	l.errors = append(l.errors, Finding{Pos: pos, Key: key, Msg: msg})
}
