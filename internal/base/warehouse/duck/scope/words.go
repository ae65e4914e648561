package scope

// What a reader's SQL may say. Everything else is refused: a function is added here when it is known to read nothing but
// its arguments, to give the same answer for the same rows, and to take memory in proportion to them.

// aggregates that may be called, with or without OVER.
var aggregates = names(`count count_star sum avg mean min max stddev stddev_samp stddev_pop variance var_samp var_pop
	approx_count_distinct count_if countif bool_and bool_or first last any_value arg_min arg_max max_by min_by corr covar_pop covar_samp`)

// heavy aggregates keep every value in memory the engine does not count; one of them may stand in a text.
var heavy = names(`median quantile_cont quantile_disc`)

// scalars that may be called by name.
var scalars = names(`abs round floor ceil ceiling trunc sqrt ln log log2 log10 exp pow power mod sign greatest least
	length len strlen lower upper lcase ucase trim ltrim rtrim left right substring substr reverse contains starts_with prefix ends_with suffix
	instr strpos position split_part ascii unicode concat concat_ws replace lpad rpad translate
	like_escape not_like_escape ilike_escape not_ilike_escape
	regexp_matches regexp_full_match regexp_extract regexp_replace nullif ifnull
	date_trunc datetrunc date_part datepart year month day quarter week weekofyear weekday dayofweek dayofmonth dayofyear isodow isoyear
	hour minute second date_diff datediff date_add date_sub datesub strftime strptime try_strptime make_date last_day age monthname dayname
	to_days to_weeks to_months to_quarters to_years to_hours to_minutes to_seconds`)

// operators are functions written between their operands, or before the one.
var operators = names(`+ - * / // % ^ ** || ~~ !~~ ~~* !~~* ^@ ~ !~`)

// constant tells which arguments of a function must stand in the text: a pattern made of data takes time and memory
// nobody can foresee. The number is the longest text, or the largest number, it may be.
var constant = map[string]map[int]int{
	"regexp_matches": {1: 200, 2: 8}, "regexp_full_match": {1: 200, 2: 8}, "regexp_extract": {1: 200, 2: 20, 3: 8},
	"regexp_replace": {1: 200, 2: 100, 3: 8}, "replace": {2: 100}, "lpad": {1: 200}, "rpad": {1: 200}, "translate": {1: 200, 2: 200},
	"strftime": {1: 100}, "strptime": {1: 100}, "try_strptime": {1: 100}, "~": {1: 200}, "!~": {1: 200},
	"quantile_cont": {1: 1}, "quantile_disc": {1: 1},
}

// maxGrowth is how many times longer than the longest value a text may grow.
const maxGrowth = 256

// windows are functions that only stand before OVER, by the type the engine gives them.
var windows = map[string]string{
	"WINDOW_ROW_NUMBER": "row_number", "WINDOW_RANK": "rank", "WINDOW_RANK_DENSE": "dense_rank", "WINDOW_PERCENT_RANK": "percent_rank",
	"WINDOW_CUME_DIST": "cume_dist", "WINDOW_NTILE": "ntile", "WINDOW_LEAD": "lead", "WINDOW_LAG": "lag",
	"WINDOW_FIRST_VALUE": "first_value", "WINDOW_LAST_VALUE": "last_value", "WINDOW_NTH_VALUE": "nth_value",
}

// types a value may be cast to.
var types = names(`BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT FLOAT DOUBLE VARCHAR DATE TIME TIMESTAMP INTERVAL`)

var comparisons = map[string]string{
	"COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>", "COMPARE_LESSTHAN": "<", "COMPARE_GREATERTHAN": ">",
	"COMPARE_LESSTHANOREQUALTO": "<=", "COMPARE_GREATERTHANOREQUALTO": ">=",
	"COMPARE_DISTINCT_FROM": "IS DISTINCT FROM", "COMPARE_NOT_DISTINCT_FROM": "IS NOT DISTINCT FROM",
}

var joins = map[string]string{"INNER": "JOIN", "LEFT": "LEFT JOIN", "RIGHT": "RIGHT JOIN", "FULL": "FULL JOIN", "OUTER": "FULL JOIN", "SEMI": "SEMI JOIN", "ANTI": "ANTI JOIN"}

// clock are the names and calls that mean the time the question is asked at.
var clock = map[string]string{
	"current_date": "DATE", "today": "DATE", "current_timestamp": "TIMESTAMP", "localtimestamp": "TIMESTAMP", "now": "TIMESTAMP",
	"get_current_timestamp": "TIMESTAMP", "transaction_timestamp": "TIMESTAMP", "current_localtimestamp": "TIMESTAMP",
}
