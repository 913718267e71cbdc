"""The words that random pet names are made of."""


def _words(text: str) -> tuple[str, ...]:
    """Split a paragraph, which is easier to read than a tuple of one word a line."""
    return tuple(text.split())


ADVERBS = _words(
    """
    boldly brightly briskly calmly cheerfully clearly closely eagerly early easily evenly fairly
    firmly freely freshly gently gladly happily honestly humbly jointly keenly kindly largely
    lightly likely loosely loudly mildly mostly neatly newly nicely openly overly partly plainly
    promptly properly quickly quietly rarely readily really rightly safely sharply shortly simply
    smoothly softly solely steadily strongly surely swiftly tightly truly warmly widely wisely
    """
)

ADJECTIVES = _words(
    """
    able active agile amber ample apt awake bold brave bright brisk calm candid careful cheerful
    civil clever cool crisp curious daring deep eager early easy elegant fair famous fast fine firm
    fit fond free fresh gentle glad golden grand great handy happy hardy honest humble ideal keen
    kind large light lively loyal lucky mellow merry mighty modest neat new nimble noble patient
    polite prime proud quick quiet rapid rare ready robust sharp shy silent simple smart smooth snug
    solid spry steady still strong sturdy sunny sure swift tidy top true upright vast vivid warm
    wise witty
    """
)

ANIMALS = _words(
    """
    adder alpaca ant badger bass bat bear beaver bee beetle bird bison boar bobcat buck bull camel
    cat catfish cobra cod colt condor cougar cow crab crane cricket crow deer dog dolphin dove
    dragonfly duck eagle eel elk falcon ferret finch fish fox frog gazelle gecko gibbon goat goose
    grouse gull hare hawk hedgehog heron herring horse ibex jackal jay kid kite koala lamb lark
    lemur leopard lion lizard llama lobster lynx magpie mammoth marmot marten mink mole monkey moose
    moth mouse mule newt ocelot octopus oryx osprey otter owl ox panda panther parrot penguin perch
    pheasant pig pigeon pike pony puffin puma python quail rabbit raccoon ram raven robin salmon
    seal shark sheep shrew shrimp skunk sloth snail snake sparrow spider squid squirrel stag
    starling stork swan swift tapir teal tiger toad trout tuna turkey turtle viper vole walrus wasp
    weasel whale wolf wombat wren yak zebra
    """
)
